import type { ObjectRef } from '@pothos/core'
import {
  AlreadyExistsError,
  BadDeviceResponseError,
  ConflictError,
  DeviceOfflineError,
  DeviceTimeoutError,
  type DomainError,
  ExpectationFailedError,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
} from '../errors.ts'
import { builder, type Types } from './builder.ts'

const ErrorCode = builder.enumType('ErrorCode', {
  description: 'What kind of failure it is, for programs. New kinds may be added.',
  values: {
    NOT_FOUND: { description: 'There is no device or job of that id.' },
    ALREADY_EXISTS: { description: 'The id is taken, also by a job that has ended and is still kept.' },
    CONFLICT: { description: 'The thing is in a state that does not allow the change.' },
    PRECONDITION_FAILED: { description: 'It has changed since: the given etag is not the present one.' },
    EXPECTATION_FAILED: { description: 'The devices that meet the condition are not those that were expected.' },
    INVALID_INPUT: { description: 'A value breaks a rule.' },
    QUERY_CONDITION: { description: 'The query condition does not parse or is over a limit.' },
    LIMIT_EXCEEDED: { description: 'More than this hub takes at once.' },
    DEVICE_OFFLINE: { description: 'The device is not connected, or has not subscribed to methods.' },
    DEVICE_TIMEOUT: { description: 'The device had the call and did not answer in time.' },
    BAD_DEVICE_RESPONSE: { description: 'The device had the call, and its answer cannot be passed on.' },
  } as const,
})

const ErrorInterface = builder.interfaceRef<Pick<DomainError, 'message' | 'code'>>('Error').implement({
  description: 'A failure that was to be expected. Every member of a result union but the payload is one.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'A sentence for people.' }),
    code: t.field({
      type: ErrorCode,
      description: 'For programs.',
      resolve: ({ code }) => {
        if (code === 'UNAUTHORIZED' || code === 'PAYLOAD_NOT_SHOWN') {
          throw new Error(`${code} is an error of the request.`)
        }
        return code
      },
    }),
  }),
})

const interfaces = [ErrorInterface]

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  interfaces,
  description: 'There is no device or job of that id, or the device is disabled and cannot be called.',
})
builder.objectType(AlreadyExistsError, {
  name: 'AlreadyExistsError',
  interfaces,
  description: 'The id is taken, also by a job that has ended and is still kept.',
})
builder.objectType(ConflictError, {
  name: 'ConflictError',
  interfaces,
  description: 'The thing is in a state that does not allow the change.',
})
builder.objectType(PreconditionError, {
  name: 'PreconditionError',
  interfaces,
  description: 'It has changed since: `ifMatch` is not its present etag.',
})
builder.objectType(ExpectationFailedError, {
  name: 'ExpectationFailedError',
  interfaces,
  description: 'The devices that meet the condition now are not those that were expected. Nothing was scheduled.',
  fields: (t) => ({
    deviceCount: t.exposeInt('deviceCount', { description: 'How many devices meet the condition now.' }),
    fingerprint: t.exposeString('fingerprint', {
      description: 'Identifies the devices that meet the condition now: as that of a preview made now.',
    }),
  }),
})
builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  interfaces,
  description: 'A value of the input breaks a rule.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      description: 'Where it stands, from the root of the input: `["updateTwin", "tags", "a.b"]`.',
    }),
  }),
})
builder.objectType(QueryConditionError, {
  name: 'QueryConditionError',
  interfaces,
  description: 'The query condition does not parse or is over a limit.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'The line of the condition, from 1.' }),
    column: t.exposeInt('column', { description: 'The column in that line, from 1, in UTF-16 code units.' }),
  }),
})
builder.objectType(LimitExceededError, {
  name: 'LimitExceededError',
  interfaces,
  description: 'More than this hub takes at once.',
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds after which the same may be asked again.',
    }),
  }),
})
builder.objectType(DeviceOfflineError, {
  name: 'DeviceOfflineError',
  interfaces,
  description:
    'The device is not connected, or did not subscribe to methods within the connect timeout. It got no call.',
})
builder.objectType(BadDeviceResponseError, {
  name: 'BadDeviceResponseError',
  interfaces,
  description:
    'The device answered with something that is not JSON, is too long or nested too deep. The method ran, and what it said is lost.',
})
builder.objectType(DeviceTimeoutError, {
  name: 'DeviceTimeoutError',
  interfaces,
  description: 'The device had the call and did not answer in time. Whether the method ran is not known.',
})

type Failure = new (...args: never[]) => DomainError

/**
 * The result of a mutation: its payload, or one of the failures to be expected, thrown or returned by the resolver. Every
 * mutation is throttled, so LimitExceededError always is one.
 */
export function resultUnion<Payload, Member extends Failure>(
  name: string,
  payload: ObjectRef<Types, Payload>,
  failures: readonly Member[],
  description: string,
) {
  const types = [payload, ...failures, LimitExceededError]
  return builder.errorUnion(name, { description, types, resolveType: () => payload })
}
