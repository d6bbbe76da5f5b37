import type {
  CloudToDeviceMethodInput,
  ScheduleDeviceMethodInput,
  ScheduleTwinUpdateInput,
  TwinPatchInput,
} from '../../../generated/console/graphql.ts'
import { momentOf } from '../../local-time.ts'
import { parseJson } from '../../ui/json-text.ts'
import type { Draft } from './draft.ts'
import { readInt, secondsOf } from './duration.ts'
import type { FieldName, Problems } from './problems.ts'

/** A draft in the form of the mutation's input. Without `startTime`, the job starts now. */
export type JobRequest = {
  readonly jobId?: string
  readonly queryCondition: string
  readonly startTime?: string
  readonly maxExecutionTimeInSeconds: number
} & (
  | { readonly cloudToDeviceMethod: CloudToDeviceMethodInput; readonly updateTwin?: never }
  | { readonly updateTwin: TwinPatchInput; readonly cloudToDeviceMethod?: never }
)

/** The result of reading a draft: the request, or the problems to fix first. */
export type Reading = { readonly request: JobRequest } | { readonly problems: Problems }

/**
 * Reads a draft. Problems are only texts that cannot be sent, such as invalid JSON, and mistakes that the hub could not
 * explain better. The hub checks everything else.
 */
export function readRequest(draft: Draft): Reading {
  const problems: Found = {}
  const common = readCommon(draft, problems)
  const request: JobRequest =
    draft.operation === 'method'
      ? { ...common, cloudToDeviceMethod: readCall(draft, problems) }
      : { ...common, updateTwin: readPatch(draft, problems) }
  return Object.keys(problems).length > 0 ? { problems } : { request }
}

type Found = { [name in FieldName]?: string }

function readCommon(draft: Draft, problems: Found) {
  if (draft.condition.trim() === '') problems.condition = 'Enter a condition, or choose All devices.'
  const startTime = draft.start === 'later' ? momentOf(draft.startAt) : undefined
  if (draft.start === 'later' && startTime === undefined) problems.startAt = 'Enter a date and time.'
  const seconds = secondsOf({ amount: draft.maxTime, unit: draft.maxTimeUnit })
  if (seconds === undefined) problems.maxTime = 'Enter a time of whole seconds, up to 30 days.'
  const jobId = draft.jobId.trim()
  return {
    ...(jobId === '' ? {} : { jobId }),
    queryCondition: draft.condition,
    ...(startTime === undefined ? {} : { startTime }),
    maxExecutionTimeInSeconds: seconds ?? 0,
  }
}

function readCall(draft: Draft, problems: Found): CloudToDeviceMethodInput {
  if (draft.methodName.trim() === '') problems.methodName = 'Enter a method name.'
  const payload = parseJson(draft.payload)
  if ('problem' in payload) problems.payload = payload.problem
  const responseTimeoutInSeconds = readSeconds(draft, 'responseTimeout', problems)
  const connectTimeoutInSeconds = readSeconds(draft, 'connectTimeout', problems)
  return {
    methodName: draft.methodName.trim(),
    ...('value' in payload ? { payload: payload.value } : {}),
    ...(responseTimeoutInSeconds === undefined ? {} : { responseTimeoutInSeconds }),
    ...(connectTimeoutInSeconds === undefined ? {} : { connectTimeoutInSeconds }),
  }
}

/** A number of seconds; undefined when the text is empty. */
function readSeconds(draft: Draft, name: 'responseTimeout' | 'connectTimeout', problems: Found): number | undefined {
  const text = draft[name]
  if (text.trim() === '') return undefined
  const seconds = readInt(text)
  if (seconds === undefined) problems[name] = 'Enter a whole number of seconds.'
  return seconds
}

function readPatch(draft: Draft, problems: Found): TwinPatchInput {
  const tags = readSection(draft, 'tags', problems)
  const desired = readSection(draft, 'desired', problems)
  return {
    ...(tags === undefined ? {} : { tags }),
    ...(desired === undefined ? {} : { properties: { desired } }),
  }
}

/** A section, which must be an object; undefined when the text is empty. */
function readSection(draft: Draft, name: 'tags' | 'desired', problems: Found): object | undefined {
  const read = parseJson(draft[name])
  if ('empty' in read) return undefined
  if ('problem' in read) problems[name] = read.problem
  else if (typeof read.value === 'object' && read.value !== null && !Array.isArray(read.value)) return read.value
  else problems[name] = 'Enter a JSON object, such as { "site": "north" }.'
  return undefined
}

/** The connection timeout, in seconds, of a job that does not wait for devices: the shortest that the hub accepts. */
export const shortestConnectTimeout = 1

/** What must still be true when the job is scheduled and when it starts. Undefined members allow anything. */
export type Expectation = { readonly fingerprint?: string; readonly maxDevices?: number }

/** The mutation that schedules a request, and its input. */
export function mutationOf(
  request: JobRequest,
  expect: Expectation | undefined,
): { readonly method: ScheduleDeviceMethodInput } | { readonly twin: ScheduleTwinUpdateInput } {
  const expected = expect === undefined || Object.keys(expect).length === 0 ? {} : { expect }
  const { updateTwin, cloudToDeviceMethod, ...common } = request
  return cloudToDeviceMethod === undefined
    ? { twin: { ...common, updateTwin, ...expected } }
    : { method: { ...common, cloudToDeviceMethod, ...expected } }
}
