import { ConflictError, InvalidInputError } from '../errors.ts'
import { refuseNewBudget } from './budget.ts'
import { checkLimits, type JobLimits } from './job-limits.ts'
import { checkNamingChange, type Naming, type NamingInput } from './naming.ts'
import { checkMaxExecutionTime } from './request.ts'
import { rolloutMembers } from './rollout.ts'
import { jobTransitions } from './state.ts'
import type { JobRow } from './store/jobs.ts'
import { longestCallOf, requireOpening } from './time-window.ts'

/** A change as a client sends it. Members that are `undefined` stay as they are. */
export type JobUpdateInput = NamingInput & {
  readonly jobId: string
  readonly maxExecutionTimeInSeconds?: unknown
  /** Seconds to add to the max execution time. */
  readonly extendBySeconds?: unknown
  readonly rollout?: unknown
  readonly reason?: string | null | undefined
}

/** The members of a job that clients can change. */
export type JobUpdate = Partial<
  Naming & JobLimits & { readonly maxExecutionTimeSeconds: number; readonly deadline: Date }
>

/** The members as clients name them, for the history. */
export type ChangedMember = 'name' | 'description' | 'labels' | 'maxExecutionTimeInSeconds' | 'rollout'

/**
 * What the update changes in the job. ConflictError when the job has ended or is cancelled, InvalidInputError with the path of
 * the member when a value is not valid, or when nothing is given.
 */
export function checkUpdate(input: JobUpdateInput, job: JobRow, now: Date): JobUpdate {
  if (jobTransitions[job.status].cancel === undefined) {
    throw new ConflictError(`Job "${job.id}" is ${job.status}, so it can no longer be changed.`)
  }
  const update = { ...checkNamingChange(input), ...checkTime(input, job, now), ...limitsIn(input, job) }
  if (Object.keys(update).length > 0) return update
  throw new InvalidInputError([], 'The update is empty: it would change nothing.')
}

function limitsIn({ rollout }: JobUpdateInput, job: JobRow): JobUpdate {
  if (rollout === undefined) return {}
  if (rollout !== null) refuseNewBudget(rolloutMembers(rollout).budget, job)
  return checkLimits(rollout, job.type, job)
}

function checkTime({ maxExecutionTimeInSeconds, extendBySeconds }: JobUpdateInput, job: JobRow, now: Date): JobUpdate {
  if (maxExecutionTimeInSeconds === undefined && extendBySeconds === undefined) return {}
  if (maxExecutionTimeInSeconds !== undefined && extendBySeconds !== undefined) {
    throw new InvalidInputError(['extendBySeconds'], 'Give maxExecutionTimeInSeconds or extendBySeconds, not both.')
  }
  const { startTime, maxExecutionTimeSeconds: before, window } = job
  const path = extendBySeconds === undefined ? ['maxExecutionTimeInSeconds'] : ['extendBySeconds']
  const seconds =
    extendBySeconds === undefined
      ? checkMaxExecutionTime(maxExecutionTimeInSeconds)
      : checkMaxExecutionTime(before + checkMaxExecutionTime(extendBySeconds, path), path)
  const deadline = new Date(startTime.getTime() + seconds * 1000)
  if (deadline <= now) {
    throw new InvalidInputError(path, `The deadline of the job would be ${deadline.toISOString()}, which has passed.`)
  }
  if (window !== null && seconds < before) {
    const longestCall = longestCallOf(job.type === 'scheduleDeviceMethod' ? job.request : undefined)
    requireOpening(window, longestCall, { startTime, maxExecutionTimeInSeconds: seconds }, { isNew: false })
  }
  return { maxExecutionTimeSeconds: seconds, deadline }
}

/** The names of the members that the update changes. */
export const membersIn = ({ name, description, labels, deadline, maxPerMinute }: JobUpdate): ChangedMember[] => [
  ...(name === undefined ? [] : ['name' as const]),
  ...(description === undefined ? [] : ['description' as const]),
  ...(labels === undefined ? [] : ['labels' as const]),
  ...(deadline === undefined ? [] : ['maxExecutionTimeInSeconds' as const]),
  ...(maxPerMinute === undefined ? [] : ['rollout' as const]),
]
