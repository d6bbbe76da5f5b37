import type {
  AbortAction,
  AbortOutcome,
  DayOfWeek,
  GateAction,
  JobOverlapPolicy,
  JobTargets,
} from '../../../generated/console/graphql.ts'
import { overlapPolicies } from '../../on-overlap.ts'
import { jobTargets } from '../../targets.ts'
import { printJson } from '../../ui/json-text.ts'
import { spanOf, type Unit, units } from './duration.ts'
import { emptyRamp, printRamp, type RampTexts } from './ramp-texts.ts'

/** A label, as it was typed. */
export type LabelDraft = { readonly name: string; readonly value: string }

/** An abort rule, as it was typed. */
export type RuleDraft = {
  /** Which of the three that follow the rule counts. */
  readonly counts: Counted
  readonly on: readonly AbortOutcome[]
  readonly errorCode: string
  readonly responseStatus: string
  readonly percent: string
  /** Empty for one device. */
  readonly afterDevices: string
  readonly action: AbortAction
}

/** A wave before the last one, as it was typed. */
export type WaveDraft = {
  /** What `size` is. */
  readonly takes: WaveSize
  readonly size: string
  /** Percent; empty when all devices of the wave only have to end. */
  readonly succeeded: string
  /** Seconds; empty for none. */
  readonly soak: string
  readonly approval: boolean
  readonly onFailure: GateAction
}

/** What devices a wave can take, by the member of the input. */
export type WaveSize = 'devices' | 'percent' | 'queryCondition'

/** The contents of the form, as they were typed. */
export type Draft = RampTexts & {
  readonly condition: string
  readonly targets: JobTargets
  /** Not for a continuous job. */
  readonly onOverlap: JobOverlapPolicy
  readonly operation: 'method' | 'twin'
  readonly methodName: string
  /** JSON; empty for `null`. */
  readonly payload: string
  /** Seconds. */
  readonly responseTimeout: string
  /** Seconds; empty for the job's time limit. */
  readonly connectTimeout: string
  /** JSON; empty to leave them unchanged. */
  readonly tags: string
  /** JSON; empty to leave them unchanged. */
  readonly desired: string
  /** Whether a twin update skips devices whose twins it would not change. */
  readonly skipCompliant: boolean
  readonly start: 'now' | 'later'
  /** A local time in the time zone of the browser: `2026-03-01T06:30`. */
  readonly startAt: string
  readonly maxTime: string
  readonly maxTimeUnit: Unit
  /** Empty to let the hub generate one. */
  readonly jobId: string
  readonly name: string
  readonly description: string
  readonly labels: readonly LabelDraft[]
  /** Devices; empty for no limit. */
  readonly maxPerMinute: string
  /** Calls; empty for no limit. */
  readonly maxConcurrent: string
  /** The path by whose value devices are grouped; empty for no budget. */
  readonly budgetGroupBy: string
  /** Calls in each group. */
  readonly budgetMaxConcurrent: string
  /** Calls of each device; empty for one. The other texts of the retry policy count only with it. */
  readonly retryAttempts: string
  readonly retryCodes: readonly RepeatedCode[]
  /** Response statuses, between commas. */
  readonly retryStatuses: string
  /** Seconds. */
  readonly retryBackoff: string
  readonly retryFactor: string
  /** Seconds. */
  readonly retryMaxBackoff: string
  readonly abort: readonly RuleDraft[]
  /** Whether somebody else has to approve the job. */
  readonly approval: boolean
  /** The waves before the last one, which takes the rest. Empty for a job without waves. */
  readonly waves: readonly WaveDraft[]
  /** The days on which the time window opens; empty for every day. */
  readonly windowDays: readonly DayOfWeek[]
  /** Times of day, and their time zone or the path of it. All are empty for a job without a time window. */
  readonly windowFrom: string
  readonly windowTo: string
  readonly windowTimeZone: string
  readonly windowTimeZoneFrom: string
}

/** The empty form. */
export const emptyDraft: Draft = {
  condition: '',
  targets: 'AT_START',
  onOverlap: 'PARALLEL',
  operation: 'method',
  methodName: '',
  payload: '',
  responseTimeout: '30',
  connectTimeout: '',
  tags: '',
  desired: '',
  skipCompliant: false,
  start: 'now',
  startAt: '',
  maxTime: '1',
  maxTimeUnit: 'h',
  jobId: '',
  name: '',
  description: '',
  labels: [],
  maxPerMinute: '',
  ...emptyRamp,
  maxConcurrent: '',
  budgetGroupBy: '',
  budgetMaxConcurrent: '',
  retryAttempts: '',
  retryCodes: [],
  retryStatuses: '',
  retryBackoff: '10',
  retryFactor: '2',
  retryMaxBackoff: '3600',
  abort: [],
  approval: false,
  waves: [],
  windowDays: [],
  windowFrom: '',
  windowTo: '',
  windowTimeZone: '',
  windowTimeZoneFrom: '',
}

/** A rule in which nothing was typed or chosen. */
export const emptyRule: RuleDraft = {
  counts: 'on',
  on: [],
  errorCode: '',
  responseStatus: '',
  percent: '',
  afterDevices: '',
  action: 'PAUSE',
}

/** A wave in which nothing was typed or chosen. */
export const emptyWave: WaveDraft = {
  takes: 'devices',
  size: '',
  succeeded: '',
  soak: '',
  approval: false,
  onFailure: 'PAUSE',
}

/** The kind of size with this name. */
export const waveSizeOf = (name: unknown): WaveSize =>
  name === 'percent' || name === 'queryCondition' ? name : 'devices'

/** The results that an abort rule can count. */
export const abortOutcomes = ['FAILED', 'REFUSED', 'TIMED_OUT'] as const satisfies readonly AbortOutcome[]

/** The codes of failed calls that a job can repeat. */
export const repeatedCodes = ['GatewayTimeout', 'OutcomeUnknown', 'BadDeviceResponse'] as const
type RepeatedCode = (typeof repeatedCodes)[number]

/** Those codes that a value lists. */
const codesIn = (value: unknown): readonly RepeatedCode[] =>
  repeatedCodes.filter((code) => Array.isArray(value) && value.includes(code))

/** The days of the week, in their order. */
export const daysOfWeek = [
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
  'SUNDAY',
] as const satisfies readonly DayOfWeek[]

/** Those days that a value lists. */
export const daysIn = (value: unknown): readonly DayOfWeek[] =>
  daysOfWeek.filter((day) => Array.isArray(value) && value.includes(day))

/** What an abort rule can count, by the member of the input. */
export type Counted = 'on' | 'errorCode' | 'responseStatus'

/** The kind with this name. */
export const countedOf = (name: unknown): Counted => (name === 'errorCode' || name === 'responseStatus' ? name : 'on')

/** Whether anything was typed or chosen. */
export function isUntouched(draft: Draft): boolean {
  return JSON.stringify(draft) === JSON.stringify(emptyDraft)
}

/**
 * The draft in a saved text, which may come from another version of the console. Members that cannot be read have their
 * initial values.
 */
export function readDraft(text: string | null): Draft {
  const kept = membersOf(parse(text))
  const string = (name: TextName): string => textIn(kept, name) ?? emptyDraft[name]
  return {
    condition: string('condition'),
    targets: jobTargets.find((targets) => targets === kept.targets) ?? emptyDraft.targets,
    onOverlap: overlapPolicies.find((policy) => policy === kept.onOverlap) ?? emptyDraft.onOverlap,
    operation: kept.operation === 'twin' ? 'twin' : 'method',
    methodName: string('methodName'),
    payload: string('payload'),
    responseTimeout: string('responseTimeout'),
    connectTimeout: string('connectTimeout'),
    tags: string('tags'),
    desired: string('desired'),
    skipCompliant: kept.skipCompliant === true,
    start: kept.start === 'later' ? 'later' : 'now',
    startAt: string('startAt'),
    maxTime: string('maxTime'),
    maxTimeUnit: units.find(({ unit }) => unit === kept.maxTimeUnit)?.unit ?? emptyDraft.maxTimeUnit,
    jobId: string('jobId'),
    name: string('name'),
    description: string('description'),
    labels: listIn(kept, 'labels').map((label) => ({
      name: textIn(label, 'name') ?? '',
      value: textIn(label, 'value') ?? '',
    })),
    maxPerMinute: string('maxPerMinute'),
    rampFrom: string('rampFrom'),
    rampAfterSucceeded: string('rampAfterSucceeded'),
    rampFactor: string('rampFactor'),
    maxConcurrent: string('maxConcurrent'),
    budgetGroupBy: string('budgetGroupBy'),
    budgetMaxConcurrent: string('budgetMaxConcurrent'),
    retryAttempts: string('retryAttempts'),
    retryCodes: codesIn(kept.retryCodes),
    retryStatuses: string('retryStatuses'),
    retryBackoff: string('retryBackoff'),
    retryFactor: string('retryFactor'),
    retryMaxBackoff: string('retryMaxBackoff'),
    abort: listIn(kept, 'abort').map(ruleIn),
    approval: kept.approval === true,
    waves: listIn(kept, 'waves').map((wave) => ({
      takes: waveSizeOf(wave.takes),
      size: textIn(wave, 'size') ?? '',
      succeeded: textIn(wave, 'succeeded') ?? '',
      soak: textIn(wave, 'soak') ?? '',
      approval: wave.approval === true,
      onFailure: wave.onFailure === 'CANCEL' ? 'CANCEL' : 'PAUSE',
    })),
    windowDays: daysIn(kept.windowDays),
    windowFrom: string('windowFrom'),
    windowTo: string('windowTo'),
    windowTimeZone: string('windowTimeZone'),
    windowTimeZoneFrom: string('windowTimeZoneFrom'),
  }
}

/** The members of a draft that are texts of any content. */
type TextName = Exclude<
  keyof Draft,
  | 'targets'
  | 'onOverlap'
  | 'operation'
  | 'skipCompliant'
  | 'start'
  | 'maxTimeUnit'
  | 'labels'
  | 'retryCodes'
  | 'abort'
  | 'approval'
  | 'waves'
  | 'windowDays'
>

type Members = Readonly<Record<string, unknown>>

function textIn(members: Members, name: string): string | undefined {
  const value = members[name]
  return typeof value === 'string' ? value : undefined
}

function listIn(members: Members, name: string): readonly Members[] {
  const value = members[name]
  return Array.isArray(value) ? value.map(membersOf) : []
}

function ruleIn(rule: Members): RuleDraft {
  const { on } = rule
  return {
    counts: countedOf(rule.counts),
    errorCode: textIn(rule, 'errorCode') ?? '',
    responseStatus: textIn(rule, 'responseStatus') ?? '',
    on: Array.isArray(on) ? abortOutcomes.filter((outcome) => on.includes(outcome)) : [],
    percent: textIn(rule, 'percent') ?? '',
    afterDevices: textIn(rule, 'afterDevices') ?? '',
    action: rule.action === 'CANCEL' ? 'CANCEL' : 'PAUSE',
  }
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

/** A job to schedule again, as the hub returns it. */
export type PastJob = {
  readonly name: string | null
  readonly description: string | null
  readonly labels: readonly LabelDraft[]
  readonly rollout: {
    readonly maxPerMinute: number | null
    readonly ramp: { readonly from: number; readonly factor: number | null; readonly afterSucceeded: number } | null
    readonly maxConcurrent: number | null
    readonly approval: boolean
    readonly budget: { readonly groupBy: string; readonly maxConcurrent: number } | null
    readonly window: {
      readonly days: readonly DayOfWeek[] | null
      readonly from: string
      readonly to: string
      readonly timeZone: string | null
      readonly timeZoneFrom: string | null
    } | null
    readonly retry: {
      readonly maxAttempts: number
      readonly on: readonly string[]
      readonly backoffSeconds: number | null
      readonly factor: number | null
      readonly maxBackoffSeconds: number | null
    } | null
    readonly abort: readonly {
      readonly on: readonly AbortOutcome[]
      readonly errorCode: string | null
      readonly responseStatus: number | null
      readonly percent: number
      readonly afterDevices: number
      readonly action: AbortAction
    }[]
  } | null
  readonly waves: readonly PastWave[] | null
  readonly queryCondition: string
  readonly targets: JobTargets
  readonly onOverlap: JobOverlapPolicy
  readonly maxExecutionTimeInSeconds: number
  readonly cloudToDeviceMethod: {
    readonly methodName: string
    readonly payload: unknown
    readonly responseTimeoutInSeconds: number
    readonly connectTimeoutInSeconds: number
  } | null
  readonly updateTwin: unknown
  readonly skipCompliant: boolean
}

type PastWave = {
  readonly devices: number | null
  readonly percent: number | null
  readonly queryCondition: string | null
  readonly gate: {
    readonly succeededPercent: number | null
    readonly soakSeconds: number
    readonly approval: boolean
    readonly onFailure: GateAction
  } | null
}

/** A draft of the same job that starts now and has another ID. */
export function draftFrom({
  queryCondition,
  targets,
  onOverlap,
  maxExecutionTimeInSeconds,
  cloudToDeviceMethod: method,
  updateTwin,
  skipCompliant,
  name,
  description,
  labels,
  rollout,
  waves,
}: PastJob): Draft {
  const { amount, unit } = spanOf(maxExecutionTimeInSeconds)
  const { tags, properties } = membersOf(updateTwin)
  return {
    ...emptyDraft,
    condition: queryCondition,
    targets,
    onOverlap,
    maxTime: amount,
    maxTimeUnit: unit,
    name: name ?? '',
    description: description ?? '',
    labels: labels.map(({ name, value }) => ({ name, value })),
    maxPerMinute: printNumber(rollout?.maxPerMinute),
    ...printRamp(rollout?.ramp),
    maxConcurrent: printNumber(rollout?.maxConcurrent),
    budgetGroupBy: rollout?.budget?.groupBy ?? '',
    budgetMaxConcurrent: printNumber(rollout?.budget?.maxConcurrent),
    ...retryFrom(rollout?.retry ?? null),
    abort: (rollout?.abort ?? []).map(({ on, errorCode, responseStatus, percent, afterDevices, action }) => ({
      counts: errorCode !== null ? 'errorCode' : responseStatus !== null ? 'responseStatus' : 'on',
      on,
      errorCode: errorCode ?? '',
      responseStatus: printNumber(responseStatus),
      percent: String(percent),
      afterDevices: String(afterDevices),
      action,
    })),
    approval: rollout?.approval ?? false,
    waves: (waves ?? []).slice(0, -1).map(waveFrom),
    windowDays: rollout?.window?.days ?? [],
    windowFrom: rollout?.window?.from ?? '',
    windowTo: rollout?.window?.to ?? '',
    windowTimeZone: rollout?.window?.timeZone ?? '',
    windowTimeZoneFrom: rollout?.window?.timeZoneFrom ?? '',
    ...(method === null
      ? { operation: 'twin', tags: print(tags), desired: print(membersOf(properties).desired), skipCompliant }
      : {
          operation: 'method',
          methodName: method.methodName,
          payload: print(method.payload),
          responseTimeout: String(method.responseTimeoutInSeconds),
          connectTimeout: method.connectTimeoutInSeconds === 0 ? '' : String(method.connectTimeoutInSeconds),
        }),
  }
}

/** What is repeated besides the known codes is kept with the statuses. */
function retryFrom(retry: NonNullable<PastJob['rollout']>['retry']) {
  if (retry === null) return {}
  const codes = codesIn(retry.on)
  return {
    retryAttempts: String(retry.maxAttempts),
    retryCodes: codes,
    retryStatuses: retry.on.filter((cause) => !codes.some((code) => code === cause)).join(', '),
    retryBackoff: printNumber(retry.backoffSeconds),
    retryFactor: printNumber(retry.factor),
    retryMaxBackoff: printNumber(retry.maxBackoffSeconds),
  }
}

const waveFrom = ({ devices, percent, queryCondition, gate }: PastWave): WaveDraft => ({
  takes: queryCondition !== null ? 'queryCondition' : percent !== null ? 'percent' : 'devices',
  size: queryCondition ?? printNumber(percent ?? devices),
  succeeded: printNumber(gate?.succeededPercent),
  soak: gate === null || gate.soakSeconds === 0 ? '' : String(gate.soakSeconds),
  approval: gate?.approval ?? false,
  onFailure: gate?.onFailure ?? 'PAUSE',
})

function printNumber(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}

/** The members of an object; none of anything else. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function print(value: unknown): string {
  return value === null || value === undefined ? '' : printJson(value)
}
