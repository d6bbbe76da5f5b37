import { QueryConditionError } from '../../src/errors.ts'

/** The QueryConditionError that `work` throws; anything else it throws passes through. */
export const conditionError = (work: () => unknown): QueryConditionError => {
  try {
    work()
  } catch (error) {
    if (error instanceof QueryConditionError) return error
    throw error
  }
  throw new Error('no QueryConditionError was thrown')
}
