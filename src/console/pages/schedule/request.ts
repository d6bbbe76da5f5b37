import type {
  AbortRuleInput,
  CloudToDeviceMethodInput,
  DisruptionBudgetInput,
  JobLabelInput,
  JobOverlapPolicy,
  JobRolloutInput,
  JobTargets,
  RetryPolicyInput,
  ScheduleDeviceMethodInput,
  ScheduleTwinUpdateInput,
  TwinPatchInput,
  WaveInput,
  WindowInput,
} from '../../../generated/console/graphql.ts'
import { momentOf } from '../../local-time.ts'
import { readInt, readNumber, readSignedInt } from '../../read-number.ts'
import { parseJson } from '../../ui/json-text.ts'
import type { Counted, Draft, RuleDraft, WaveDraft } from './draft.ts'
import { secondsOf } from './duration.ts'
import type { FieldName, Problems } from './problems.ts'
import { readRamp } from './ramp-texts.ts'

/** A draft in the form of the mutation's input. Without `startTime`, the job starts now. */
export type JobRequest = {
  readonly jobId?: string
  readonly queryCondition: string
  /** When the job selects its devices; at its start if left out. */
  readonly targets?: JobTargets
  /** What it does when other jobs have some of its devices; it starts all the same if left out. */
  readonly onOverlap?: JobOverlapPolicy
  readonly startTime?: string
  readonly maxExecutionTimeInSeconds: number
  readonly name?: string
  readonly description?: string
  readonly labels?: readonly JobLabelInput[]
  readonly rollout?: JobRolloutInput
} & (
  | {
      readonly cloudToDeviceMethod: CloudToDeviceMethodInput
      readonly updateTwin?: never
      readonly skipCompliant?: never
    }
  | { readonly updateTwin: TwinPatchInput; readonly skipCompliant?: true; readonly cloudToDeviceMethod?: never }
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
      : { ...common, updateTwin: readPatch(draft, problems), ...(draft.skipCompliant ? { skipCompliant: true } : {}) }
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
    ...(draft.targets === 'AT_START' ? {} : { targets: draft.targets }),
    ...(draft.onOverlap === 'PARALLEL' || draft.targets === 'CONTINUOUS' ? {} : { onOverlap: draft.onOverlap }),
    ...(startTime === undefined ? {} : { startTime }),
    maxExecutionTimeInSeconds: seconds ?? 0,
    ...readNaming(draft, problems),
    ...readRollout(draft, problems),
  }
}

function readNaming({ name, description, labels }: Draft, problems: Found) {
  for (const [row, label] of labels.entries()) {
    if (label.name.trim() === '') problems[`labels.${row}.name`] = 'Enter a name, or remove the label.'
  }
  return {
    ...(name.trim() === '' ? {} : { name: name.trim() }),
    ...(description.trim() === '' ? {} : { description: description.trim() }),
    ...(labels.length === 0 ? {} : { labels: labels.map(({ name, value }) => ({ name: name.trim(), value })) }),
  }
}

/** A twin update has no calls that a limit could count. */
function readRollout(draft: Draft, problems: Found): { readonly rollout?: JobRolloutInput } {
  const maxPerMinute = readLimit(draft, 'maxPerMinute', problems)
  const ramp = readRamp(draft, problems)
  const maxConcurrent = draft.operation === 'method' ? readLimit(draft, 'maxConcurrent', problems) : undefined
  const rollout = {
    ...(maxPerMinute === undefined ? {} : { maxPerMinute }),
    ...(ramp === undefined ? {} : { ramp }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...readBudget(draft, problems),
    ...readRetry(draft, problems),
    ...readWindow(draft, problems),
    ...(draft.approval ? { approval: true } : {}),
    ...(draft.waves.length === 0
      ? {}
      : { waves: [...draft.waves.map((wave, row) => readWave(wave, row, problems)), {}] }),
    ...(draft.abort.length === 0 ? {} : { abort: draft.abort.map((rule, row) => readRule(rule, row, problems)) }),
  }
  return Object.keys(rollout).length === 0 ? {} : { rollout }
}

function readLimit(draft: Draft, name: 'maxPerMinute' | 'maxConcurrent', problems: Found): number | undefined {
  if (draft[name].trim() === '') return undefined
  const limit = readInt(draft[name])
  if (limit === undefined) problems[name] = 'Enter a whole number, or leave empty.'
  return limit
}

function readBudget(
  { operation, budgetGroupBy, budgetMaxConcurrent }: Draft,
  problems: Found,
): { readonly budget?: DisruptionBudgetInput } {
  const groupBy = budgetGroupBy.trim()
  if (operation !== 'method' || (groupBy === '' && budgetMaxConcurrent.trim() === '')) return {}
  if (groupBy === '') problems.budgetGroupBy = 'Enter a path, such as tags.site, or leave both empty.'
  const maxConcurrent = readInt(budgetMaxConcurrent)
  if (maxConcurrent === undefined) problems.budgetMaxConcurrent = 'Enter a whole number, or leave both empty.'
  return { budget: { groupBy, maxConcurrent: maxConcurrent ?? 0 } }
}

/** The hub checks the numbers and what is repeated. */
function readRetry(draft: Draft, problems: Found): { readonly retry?: RetryPolicyInput } {
  if (draft.operation !== 'method' || draft.retryAttempts.trim() === '') return {}
  const maxAttempts = readInt(draft.retryAttempts)
  if (maxAttempts === undefined) problems.retryAttempts = 'Enter a whole number, or leave empty.'
  const on = [...draft.retryCodes, ...draft.retryStatuses.split(/[\s,;]+/).filter((status) => status !== '')]
  if (on.length === 0) problems.retryCodes = 'Choose what is repeated, or enter response statuses.'
  const optional = (name: 'retryBackoff' | 'retryFactor' | 'retryMaxBackoff') => {
    if (draft[name].trim() === '') return undefined
    const number = name === 'retryFactor' ? readNumber(draft[name]) : readInt(draft[name])
    if (number === undefined) problems[name] = 'Enter a number, or leave empty.'
    return number
  }
  const [backoffSeconds, factor] = [optional('retryBackoff'), optional('retryFactor')]
  const maxBackoffSeconds = optional('retryMaxBackoff')
  return {
    retry: {
      maxAttempts: maxAttempts ?? 0,
      on,
      ...(backoffSeconds === undefined ? {} : { backoffSeconds }),
      ...(factor === undefined ? {} : { factor }),
      ...(maxBackoffSeconds === undefined ? {} : { maxBackoffSeconds }),
    },
  }
}

/** The hub checks the times and the zone. */
function readWindow(draft: Draft, problems: Found): { readonly window?: WindowInput } {
  const { windowDays: days } = draft
  const [from, to] = [draft.windowFrom.trim(), draft.windowTo.trim()]
  const [timeZone, timeZoneFrom] = [draft.windowTimeZone.trim(), draft.windowTimeZoneFrom.trim()]
  if (days.length === 0 && [from, to, timeZone, timeZoneFrom].every((text) => text === '')) return {}
  if (from === '') problems.windowFrom = 'Enter a time of day, such as 22:00.'
  if (to === '') problems.windowTo = 'Enter a time of day, such as 06:00.'
  if (timeZone === '' && timeZoneFrom === '') problems.windowTimeZone = 'Enter a time zone, such as Europe/Berlin.'
  return {
    window: {
      ...(days.length === 0 ? {} : { days }),
      from,
      to,
      ...(timeZone === '' ? {} : { timeZone }),
      ...(timeZoneFrom === '' ? {} : { timeZoneFrom }),
    },
  }
}

/** Without anything about its gate, a wave has none. */
function readWave(
  { takes, size, succeeded, soak, approval, onFailure }: WaveDraft,
  row: number,
  problems: Found,
): WaveInput {
  const share = succeeded.trim() === '' ? undefined : readNumber(succeeded)
  if (succeeded.trim() !== '' && share === undefined) {
    problems[`waves.${row}.succeeded`] = 'Enter a percentage, or leave empty.'
  }
  const seconds = soak.trim() === '' ? undefined : readInt(soak)
  if (soak.trim() !== '' && seconds === undefined) {
    problems[`waves.${row}.soak`] = 'Enter a whole number of seconds, or leave empty.'
  }
  const gate = {
    ...(share === undefined ? {} : { succeededPercent: share, onFailure }),
    ...(seconds === undefined ? {} : { soakSeconds: seconds }),
    ...(approval ? { approval: true } : {}),
  }
  return { ...readSize(takes, size, row, problems), ...(Object.keys(gate).length === 0 ? {} : { gate }) }
}

function readSize(takes: WaveDraft['takes'], size: string, row: number, problems: Found): WaveInput {
  if (takes === 'queryCondition') {
    if (size.trim() === '') problems[`waves.${row}.size`] = 'Enter a condition.'
    return { queryCondition: size }
  }
  const number = takes === 'devices' ? readInt(size) : readNumber(size)
  if (number === undefined) {
    problems[`waves.${row}.size`] = takes === 'devices' ? 'Enter a number of devices.' : 'Enter a percentage.'
  }
  return { [takes]: number ?? 0 }
}

function readRule(rule: RuleDraft, row: number, problems: Found): AbortRuleInput {
  const { percent, afterDevices, action } = rule
  const share = readNumber(percent)
  if (share === undefined) problems[`abort.${row}.percent`] = 'Enter a percentage.'
  const isLeftOut = afterDevices.trim() === ''
  const count = readInt(afterDevices)
  if (!isLeftOut && count === undefined) problems[`abort.${row}.afterDevices`] = 'Enter a whole number, or leave empty.'
  const counted = countedIn(rule)
  if (counted === undefined && rule.counts !== 'on') problems[`abort.${row}.${rule.counts}`] = missing[rule.counts]
  return {
    ...counted,
    percent: share ?? 0,
    ...(isLeftOut || count === undefined ? {} : { afterDevices: count }),
    action,
  }
}

const missing: Readonly<Record<Exclude<Counted, 'on'>, string>> = {
  errorCode: 'Enter an error code, such as GatewayTimeout.',
  responseStatus: 'Enter a response status, such as 503.',
}

/** What a rule counts; undefined when it cannot be read. */
export function countedIn({
  counts,
  on,
  errorCode,
  responseStatus,
}: RuleDraft): Pick<AbortRuleInput, Counted> | undefined {
  if (counts === 'on') return { on }
  if (counts === 'errorCode') return errorCode.trim() === '' ? undefined : { errorCode: errorCode.trim() }
  // Devices choose their statuses, and some are negative.
  const status = readSignedInt(responseStatus)
  return status === undefined ? undefined : { responseStatus: status }
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
  const { updateTwin, skipCompliant, cloudToDeviceMethod, ...common } = request
  return cloudToDeviceMethod === undefined
    ? { twin: { ...common, updateTwin, ...(skipCompliant ? { skipCompliant } : {}), ...expected } }
    : { method: { ...common, cloudToDeviceMethod, ...expected } }
}
