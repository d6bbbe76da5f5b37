import { isDeepStrictEqual } from 'node:util'
import { parseDateTime } from '../../date-time.ts'
import { graphql } from '../../generated/commands/gql.ts'
import type {
  CloudToDeviceMethodInput,
  JobExpectationInput,
  JobLabelInput,
  JobOverlapPolicy,
  JobRolloutInput,
  JobTargets,
  RampInput,
  ReadDefinitionQuery,
  RetryPolicyInput,
  TwinPatchInput,
} from '../../generated/commands/graphql.ts'

/** A job to schedule, with the names of the API. It has a method or a patch. */
export type JobDefinition = {
  readonly jobId?: string
  readonly queryCondition: string
  /** ISO 8601; now when omitted. */
  readonly startTime?: string
  readonly maxExecutionTimeInSeconds?: number
  readonly expect?: JobExpectationInput
  readonly name?: string
  readonly description?: string
  readonly labels?: readonly JobLabelInput[]
  readonly targets?: JobTargets
  readonly onOverlap?: JobOverlapPolicy
  readonly rollout?: JobRolloutInput
} & (
  | {
      readonly cloudToDeviceMethod: CloudToDeviceMethodInput
      readonly updateTwin?: never
      readonly skipCompliant?: never
    }
  | { readonly updateTwin: TwinPatchInput; readonly skipCompliant?: boolean; readonly cloudToDeviceMethod?: never }
)

export const ReadDefinition = graphql(`
  query ReadDefinition($jobId: String!) {
    job(jobId: $jobId) {
      name description labels { name value } queryCondition startTime maxExecutionTimeInSeconds maxDevices targets onOverlap updateTwin skipCompliant
      cloudToDeviceMethod { methodName payload responseTimeoutInSeconds connectTimeoutInSeconds }
      rollout { maxPerMinute ramp { from factor afterSucceeded } maxConcurrent approval budget { groupBy maxConcurrent } window { days from to timeZone timeZoneFrom } retry { maxAttempts on backoffSeconds factor maxBackoffSeconds } abort { on errorCode responseStatus percent afterDevices action } }
      waves { devices percent queryCondition gate { succeededPercent soakSeconds approval onFailure } }
    }
  }
`)

type StoredJob = NonNullable<ReadDefinitionQuery['job']>

/** The defaults of the API. */
export const defaults = {
  maxExecutionTime: 3_600,
  responseTimeout: 30,
  connectTimeout: 0,
  afterDevices: 1,
  backoff: 10,
  factor: 2,
  maxBackoff: 3_600,
} as const

/**
 * The names of the members in which a stored job differs from a definition. A start time that the definition does not have
 * is not compared, because it was the time of the first request. Nor is the fingerprint, which is not stored.
 */
export function differencesOf(definition: JobDefinition, job: StoredJob): string[] {
  const wanted = {
    name: definition.name ?? null,
    description: definition.description || null,
    labels: labelsOf(definition.labels ?? []),
    queryCondition: definition.queryCondition,
    ...(definition.startTime !== undefined && { startTime: momentOf(definition.startTime) }),
    maxExecutionTimeInSeconds: definition.maxExecutionTimeInSeconds ?? defaults.maxExecutionTime,
    maxDevices: definition.expect?.maxDevices ?? null,
    targets: definition.targets ?? 'AT_START',
    onOverlap: definition.onOverlap ?? 'PARALLEL',
    cloudToDeviceMethod: definition.cloudToDeviceMethod ? methodOf(definition.cloudToDeviceMethod) : null,
    updateTwin: patchOf(definition.updateTwin),
    skipCompliant: definition.skipCompliant ?? false,
    rollout: rolloutOf(definition.rollout, definition.rollout?.waves),
  }
  const stored: Readonly<Record<keyof typeof wanted, unknown>> = {
    name: job.name ?? null,
    description: job.description ?? null,
    labels: labelsOf(job.labels),
    queryCondition: job.queryCondition,
    startTime: momentOf(job.startTime),
    maxExecutionTimeInSeconds: job.maxExecutionTimeInSeconds,
    maxDevices: job.maxDevices ?? null,
    targets: job.targets,
    onOverlap: job.onOverlap,
    cloudToDeviceMethod: job.cloudToDeviceMethod ? methodOf(job.cloudToDeviceMethod) : null,
    updateTwin: patchOf(job.updateTwin),
    skipCompliant: job.skipCompliant,
    rollout: rolloutOf(job.rollout, job.waves),
  }
  return Object.entries(wanted)
    .filter(([name, value]) => !isDeepStrictEqual(value, new Map(Object.entries(stored)).get(name)))
    .map(([name]) => name)
}

/** In whatever order they are given. */
const labelsOf = (labels: readonly JobLabelInput[]): ReadonlyMap<string, string> =>
  new Map(labels.map(({ name, value }): [string, string] => [name, value]))

/** The abort rules in the order in which they are given; their results in any order. */
const rolloutOf = (rollout: Omit<JobRolloutInput, 'waves'> | null | undefined, waves: JobRolloutInput['waves']) => ({
  maxPerMinute: rollout?.maxPerMinute ?? null,
  ramp: rollout?.ramp ? rampOf(rollout.ramp) : null,
  maxConcurrent: rollout?.maxConcurrent ?? null,
  approval: rollout?.approval ?? false,
  waves: (waves ?? []).map(({ devices, percent, queryCondition, gate }) => ({
    devices: devices ?? null,
    percent: percent ?? null,
    queryCondition: queryCondition ?? null,
    gate: gate
      ? {
          succeededPercent: gate.succeededPercent ?? null,
          soakSeconds: gate.soakSeconds ?? 0,
          approval: gate.approval ?? false,
          onFailure: gate.onFailure ?? 'PAUSE',
        }
      : null,
  })),
  window: rollout?.window
    ? {
        days: rollout.window.days ? new Set(rollout.window.days) : null,
        from: rollout.window.from,
        to: rollout.window.to,
        timeZone: rollout.window.timeZone ?? null,
        timeZoneFrom: rollout.window.timeZoneFrom ?? null,
      }
    : null,
  retry: rollout?.retry ? retryOf(rollout.retry) : null,
  budget: rollout?.budget ? { groupBy: rollout.budget.groupBy, maxConcurrent: rollout.budget.maxConcurrent } : null,
  abort: (rollout?.abort ?? []).map(({ on, errorCode, responseStatus, percent, afterDevices, action }) => ({
    on: new Set(on),
    errorCode: errorCode ?? null,
    responseStatus: responseStatus ?? null,
    percent,
    afterDevices: afterDevices ?? defaults.afterDevices,
    action,
  })),
})

const rampOf = ({ from, factor, afterSucceeded }: RampInput) => ({
  from,
  factor: factor ?? defaults.factor,
  afterSucceeded,
})

/** The causes in any order. */
function retryOf({ maxAttempts, on, backoffSeconds, factor, maxBackoffSeconds }: RetryPolicyInput) {
  const backoff = backoffSeconds ?? defaults.backoff
  return {
    maxAttempts,
    on: new Set(on),
    backoff,
    factor: factor ?? defaults.factor,
    maxBackoff: maxBackoffSeconds ?? Math.max(defaults.maxBackoff, backoff),
  }
}

/** Different texts may name the same moment. The hub refuses what is not a time. */
const momentOf = (time: string): number | undefined => parseDateTime(time)?.getTime()

const methodOf = (method: {
  readonly methodName: string
  readonly payload?: unknown
  readonly responseTimeoutInSeconds?: number | null | undefined
  readonly connectTimeoutInSeconds?: number | null | undefined
}) => ({
  methodName: method.methodName,
  payload: method.payload ?? null,
  responseTimeout: method.responseTimeoutInSeconds ?? defaults.responseTimeout,
  connectTimeout: method.connectTimeoutInSeconds ?? defaults.connectTimeout,
})

/** A patch without its prototypes and without sections that are not there, so that equal ones compare as equal. */
function patchOf(patch: unknown): unknown {
  return patch === undefined || patch === null ? null : JSON.parse(JSON.stringify(patch), (_key, value) => value)
}
