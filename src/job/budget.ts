import { InvalidInputError, QueryConditionError } from '../errors.ts'
import { compileGroupPath } from '../query/group-path.ts'

/**
 * The budget of a job: of the devices with the same value at a path, a maximum has calls in progress at a time. Both are null
 * for a job without one.
 */
export type Budget = {
  /** A path as in conditions, such as `tags.site`. */
  readonly budgetGroupBy: string | null
  /** Calls under way at a time in each group. */
  readonly budgetMaxConcurrent: number | null
}

export const withoutBudget: Budget = { budgetGroupBy: null, budgetMaxConcurrent: null }

const path = ['rollout', 'budget']
const largest = 1_000_000

/**
 * The budget that a client gives, which is left as it was `before` when it is left out, and taken away by null. The groups
 * of a job cannot change. InvalidInputError with the path of the member.
 */
export function checkBudget(value: unknown, before = withoutBudget): Budget {
  const { budgetGroupBy, budgetMaxConcurrent } = before
  if (value === undefined) return { budgetGroupBy, budgetMaxConcurrent }
  if (value === null) return withoutBudget
  if (typeof value !== 'object') throw new InvalidInputError(path, 'The budget must be an object.')
  const { groupBy, maxConcurrent }: Readonly<Record<string, unknown>> = { ...value }
  return {
    budgetGroupBy: budgetGroupBy ?? checkGroupBy(groupBy),
    budgetMaxConcurrent: checkMaxConcurrent(maxConcurrent),
  }
}

/** InvalidInputError for a budget that a job without one would get by a change. */
export function refuseNewBudget(value: unknown, { budgetGroupBy }: Budget): void {
  if (value === undefined || value === null || budgetGroupBy !== null) return
  const message = 'The job has no budget. It cannot get one, because devices are grouped when the job starts.'
  throw new InvalidInputError(path, message)
}

const checkGroupBy = (value: unknown): string => checkPath(value, [...path, 'groupBy'], 'tags.site')

/** A path of a device as in conditions. InvalidInputError with an example when it is none, or when no device has a value there. */
export function checkPath(value: unknown, at: readonly string[], example: string): string {
  const name = at.at(-1)
  if (typeof value !== 'string') throw new InvalidInputError(at, `${name} must be a path, such as "${example}".`)
  try {
    if (compileGroupPath(value) !== undefined) return value
  } catch (error) {
    if (!(error instanceof QueryConditionError)) throw error
    throw new InvalidInputError(at, `${name} must be a path, such as "${example}": ${error.message}`)
  }
  throw new InvalidInputError(at, `No device can have a value at "${value}". Give a path such as "${example}".`)
}

function checkMaxConcurrent(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= largest) return value
  throw new InvalidInputError(
    [...path, 'maxConcurrent'],
    `maxConcurrent must be a whole number from 1 to ${largest}. Pause the job to stop it.`,
  )
}

/** A group of a job as one text, for events. The id of a job has no slash. */
export const printGroup = (jobId: string, group: string): string => `${jobId}/${group}`
