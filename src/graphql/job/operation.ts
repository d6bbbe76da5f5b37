import type { OperationTexts } from '../../job/store/operations.ts'
import { asWritten, memoized } from '../../json/json-as-written.ts'
import type { JsonText } from '../../json/json-text.ts'
import { builder } from '../builder.ts'
import { hidden } from './foreign-job.ts'

type Method = {
  readonly jobId: string
  /** Whether the payload is hidden from the viewer. */
  readonly isForeign: boolean
  readonly methodName: string
  readonly payload: JsonText | null
  readonly responseTimeoutInSeconds: number
  readonly connectTimeoutInSeconds: number
}

/** A method call, as it was stored. */
export function methodIn({ jobId, methodName, payload, ...timeouts }: OperationTexts, isForeign: boolean): Method {
  const { responseTimeoutInSeconds, connectTimeoutInSeconds } = timeouts
  if (methodName === null || responseTimeoutInSeconds === null || connectTimeoutInSeconds === null) {
    throw new Error(`The job "${jobId}" has no whole method call.`)
  }
  const written = payload === null ? null : asWritten(payload)
  return { jobId, isForeign, methodName, payload: written, responseTimeoutInSeconds, connectTimeoutInSeconds }
}

/** A patch in the form of the input. All aliases of one row share the text. */
export const patchIn = memoized(({ tags, desired }: OperationTexts): JsonText => {
  const members = [
    ...(tags === null ? [] : [`"tags":${tags}`]),
    ...(desired === null ? [] : [`"properties":{"desired":${desired}}`]),
  ]
  return asWritten(`{${members.join(',')}}`)
})

export const CloudToDeviceMethod = builder.objectRef<Method>('CloudToDeviceMethod').implement({
  description: 'The direct method that a job calls.',
  fields: (t) => ({
    methodName: t.exposeString('methodName', { description: 'The method name.' }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The payload of the call. Null when none was given, and with a field error FORBIDDEN for a job that was not scheduled under your scope.',
      resolve: ({ jobId, isForeign, payload }, _args, context) => {
        if (isForeign) throw hidden('payload', jobId, context)
        return payload
      },
    }),
    responseTimeoutInSeconds: t.exposeInt('responseTimeoutInSeconds', {
      description: 'Response timeout in seconds: how long a device may take to answer after it has received the call.',
    }),
    connectTimeoutInSeconds: t.exposeInt('connectTimeoutInSeconds', {
      description:
        'Connection timeout in seconds, counted from the start of the job: how long a device may take to connect. 0 means until the deadline of the job.',
    }),
  }),
})
