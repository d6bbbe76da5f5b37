import { InvalidInputError } from '../errors.ts'
import type { JobTargets } from './targets.ts'

/**
 * What a job does when others have some of its devices: it starts all the same, waits until they have ended, or is refused.
 */
export type JobOverlapPolicy = 'parallel' | 'queue' | 'refuse'

/** `undefined` and `null` mean "left out". InvalidInputError. */
export function checkOnOverlap(value: unknown, targets: JobTargets): JobOverlapPolicy {
  const path = ['onOverlap']
  if (value === undefined || value === null || value === 'parallel') return 'parallel'
  if (value !== 'queue' && value !== 'refuse') {
    throw new InvalidInputError(path, 'onOverlap must be PARALLEL, QUEUE or REFUSE.')
  }
  if (targets !== 'continuous') return value
  throw new InvalidInputError(
    path,
    'onOverlap of a continuous job must be PARALLEL, because devices join it while other jobs run.',
  )
}

/**
 * Whether an open job with some of the same devices keeps another one with this policy from starting: it would wait if it
 * started now, or is refused because both may run at the same time.
 */
export function blocksStart(
  policy: JobOverlapPolicy,
  { startTime, maxExecutionTimeInSeconds }: { readonly startTime: Date; readonly maxExecutionTimeInSeconds: number },
  other: { readonly startTime: Date; readonly startedTime: Date | null; readonly deadline: Date },
): boolean {
  if (policy === 'queue') return other.startedTime !== null
  const deadline = startTime.getTime() + maxExecutionTimeInSeconds * 1000
  return policy === 'refuse' && startTime < other.deadline && other.startTime.getTime() < deadline
}

/** Why a job was refused because of these others, as a sentence for users. */
export const refusedBecauseOf = (jobIds: readonly string[]): string =>
  `The job was refused, because ${jobIds.length === 1 ? 'another job has' : 'other jobs have'} some of its devices: ${listed(jobIds)}.`

/** Why a job waits for another one, as a sentence for users. */
export const waitsBecauseOf = (jobId: string): string =>
  `Job "${jobId}" has some of the same devices, and has not ended.`

/** Jobs that a message names. */
const mostNamed = 5

function listed(jobIds: readonly string[]): string {
  const named = jobIds.slice(0, mostNamed).map((id) => `"${id}"`)
  const others = jobIds.length - named.length
  return `${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}
