import { printJson } from '../../ui/json-text.ts'
import { spanOf, type Unit, units } from './duration.ts'

/** The contents of the form, as they were typed. */
export type Draft = {
  readonly condition: string
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
  readonly start: 'now' | 'later'
  /** A local time in the time zone of the browser: `2026-03-01T06:30`. */
  readonly startAt: string
  readonly maxTime: string
  readonly maxTimeUnit: Unit
  /** Empty to let the hub generate one. */
  readonly jobId: string
}

/** The empty form. */
export const emptyDraft: Draft = {
  condition: '',
  operation: 'method',
  methodName: '',
  payload: '',
  responseTimeout: '30',
  connectTimeout: '',
  tags: '',
  desired: '',
  start: 'now',
  startAt: '',
  maxTime: '1',
  maxTimeUnit: 'h',
  jobId: '',
}

/** Whether anything was typed or chosen. */
export function isUntouched(draft: Draft): boolean {
  return JSON.stringify(draft) === JSON.stringify(emptyDraft)
}

/**
 * The draft in a saved text, which may come from another version of the console. Members that cannot be read have their
 * initial values.
 */
export function readDraft(text: string | null): Draft {
  const kept = parse(text)
  const string = (name: keyof Draft): string => {
    const value = kept[name]
    return typeof value === 'string' ? value : emptyDraft[name]
  }
  return {
    condition: string('condition'),
    operation: kept.operation === 'twin' ? 'twin' : 'method',
    methodName: string('methodName'),
    payload: string('payload'),
    responseTimeout: string('responseTimeout'),
    connectTimeout: string('connectTimeout'),
    tags: string('tags'),
    desired: string('desired'),
    start: kept.start === 'later' ? 'later' : 'now',
    startAt: string('startAt'),
    maxTime: string('maxTime'),
    maxTimeUnit: units.find(({ unit }) => unit === kept.maxTimeUnit)?.unit ?? emptyDraft.maxTimeUnit,
    jobId: string('jobId'),
  }
}

function parse(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** A job to schedule again, as the hub returns it. */
export type PastJob = {
  readonly queryCondition: string
  readonly maxExecutionTimeInSeconds: number
  readonly cloudToDeviceMethod: {
    readonly methodName: string
    readonly payload: unknown
    readonly responseTimeoutInSeconds: number
    readonly connectTimeoutInSeconds: number
  } | null
  readonly updateTwin: unknown
}

/** A draft of the same job that starts now and has another ID. */
export function draftFrom({
  queryCondition,
  maxExecutionTimeInSeconds,
  cloudToDeviceMethod: method,
  updateTwin,
}: PastJob): Draft {
  const { amount, unit } = spanOf(maxExecutionTimeInSeconds)
  const { tags, properties } = membersOf(updateTwin)
  return {
    ...emptyDraft,
    condition: queryCondition,
    maxTime: amount,
    maxTimeUnit: unit,
    ...(method === null
      ? { operation: 'twin', tags: print(tags), desired: print(membersOf(properties).desired) }
      : {
          operation: 'method',
          methodName: method.methodName,
          payload: print(method.payload),
          responseTimeout: String(method.responseTimeoutInSeconds),
          connectTimeout: method.connectTimeoutInSeconds === 0 ? '' : String(method.connectTimeoutInSeconds),
        }),
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function print(value: unknown): string {
  return value === null || value === undefined ? '' : printJson(value)
}
