import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { checkBudget, refuseNewBudget, withoutBudget } from '../../src/job/budget.ts'

const before = { budgetGroupBy: 'tags.site', budgetMaxConcurrent: 1 }

const refusal = (check: () => unknown): { path: string; message: string } => {
  try {
    check()
  } catch (error) {
    if (error instanceof InvalidInputError) return { path: error.path.join('/'), message: error.message }
    throw error
  }
  throw new Error('It was accepted.')
}

test.each(['tags.site', 'devices.tags.site', 'properties.reported.[[first floor]].x', 'deviceId', 'tags'])(
  'devices can be grouped by %s',
  (groupBy) => {
    expect(checkBudget({ groupBy, maxConcurrent: 2 })).toEqual({ budgetGroupBy: groupBy, budgetMaxConcurrent: 2 })
  },
)

test('a change concerns the maximum only, and null takes the budget away', () => {
  expect(checkBudget(undefined)).toEqual(withoutBudget)
  expect(checkBudget(undefined, before)).toEqual(before)
  expect(checkBudget({ maxConcurrent: 5 }, before)).toEqual({ ...before, budgetMaxConcurrent: 5 })
  expect(checkBudget(null, before)).toEqual(withoutBudget)
  for (const [value, job] of [
    [{ maxConcurrent: 5 }, before],
    [null, withoutBudget],
    [undefined, withoutBudget],
  ] as const)
    expect(() => refuseNewBudget(value, job)).not.toThrow()
})

describe('refused with its path is', () => {
  test.each([
    ['a path that does not parse', { groupBy: 'tags.', maxConcurrent: 1 }, 'rollout/budget/groupBy'],
    ['a condition', { groupBy: 'tags.site = 1', maxConcurrent: 1 }, 'rollout/budget/groupBy'],
    ['nothing as a path', { groupBy: '', maxConcurrent: 1 }, 'rollout/budget/groupBy'],
    ['a name that no device has', { groupBy: 'site', maxConcurrent: 1 }, 'rollout/budget/groupBy'],
    ['a missing path', { maxConcurrent: 1 }, 'rollout/budget/groupBy'],
    ['a maximum of 0', { groupBy: 'tags.site', maxConcurrent: 0 }, 'rollout/budget/maxConcurrent'],
    ['a maximum above a million', { groupBy: 'tags.site', maxConcurrent: 1_000_001 }, 'rollout/budget/maxConcurrent'],
    ['half a device', { groupBy: 'tags.site', maxConcurrent: 0.5 }, 'rollout/budget/maxConcurrent'],
    ['a number instead of a budget', 1, 'rollout/budget'],
  ])('%s', (_what, budget, path) => {
    expect(refusal(() => checkBudget(budget)).path).toBe(path)
  })

  test('a budget for a job that has none: its devices were not grouped', () => {
    expect(refusal(() => refuseNewBudget({ maxConcurrent: 1 }, withoutBudget))).toEqual({
      path: 'rollout/budget',
      message: 'The job has no budget. It cannot get one, because devices are grouped when the job starts.',
    })
  })
})

test('the message for a path says where it does not parse, and which path is meant otherwise', () => {
  expect(refusal(() => checkBudget({ groupBy: 'tags.', maxConcurrent: 1 })).message).toContain('end of path')
  expect(refusal(() => checkBudget({ groupBy: 'site', maxConcurrent: 1 })).message).toBe(
    'No device can have a value at "site". Give a path such as "tags.site".',
  )
})
