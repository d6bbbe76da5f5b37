import { expect, test } from 'vitest'
import {
  type LimitTexts,
  placeLimitRefusal,
  printLimits,
  readLimitsChange,
} from '../../../src/console/pages/job/limits-change.ts'

const before: LimitTexts = {
  maxPerMinute: '600',
  rampFrom: '10',
  rampAfterSucceeded: '50',
  rampFactor: '1.5',
  maxConcurrent: '',
  budgetMaxConcurrent: '2',
}
const changeBy = (typed: Partial<LimitTexts>) => readLimitsChange(before, { ...before, ...typed })

test('the limits of a job are texts, and empty where it has none', () => {
  const budget = { groupBy: 'tags.site', maxConcurrent: 2 }
  const ramp = { from: 10, factor: 1.5, afterSucceeded: 50, perMinute: 10, nextStep: null }
  expect(
    printLimits({ maxPerMinute: 600, ramp, maxConcurrent: null, budget, window: null, retry: null, abort: [] }),
  ).toEqual(before)
  expect(printLimits(null)).toEqual({
    maxPerMinute: '',
    rampFrom: '',
    rampAfterSucceeded: '',
    rampFactor: '2',
    maxConcurrent: '',
    budgetMaxConcurrent: '',
  })
})

test('a change has only the limits that differ', () => {
  expect(changeBy({ maxConcurrent: ' 7 ' })).toEqual({ change: { maxConcurrent: 7 } })
  expect(changeBy({ maxPerMinute: '', rampFrom: '' })).toEqual({ change: { maxPerMinute: null, ramp: null } })
  expect(changeBy({ budgetMaxConcurrent: '3', maxPerMinute: '700' })).toEqual({
    change: { maxPerMinute: 700, budget: { maxConcurrent: 3 } },
  })
  expect(changeBy({})).toEqual({ change: {} })
  expect(changeBy({ maxPerMinute: ' 600 ' })).toEqual({ change: {} })
})

test('a ramp is changed as a whole, and ends without a start rate', () => {
  expect(changeBy({ rampAfterSucceeded: '20' })).toEqual({
    change: { ramp: { from: 10, factor: 1.5, afterSucceeded: 20 } },
  })
  expect(changeBy({ rampFrom: ' ' })).toEqual({ change: { ramp: null } })
  expect(changeBy({ rampFactor: '' })).toEqual({ change: { ramp: { from: 10, afterSucceeded: 50 } } })
  const without = { ...before, rampFrom: '', rampAfterSucceeded: '', rampFactor: '2' }
  expect(readLimitsChange(without, { ...without, rampFrom: '5', rampAfterSucceeded: '1' })).toEqual({
    change: { ramp: { from: 5, factor: 2, afterSucceeded: 1 } },
  })
})

test('a text that cannot be sent is a problem of its field', () => {
  const problemsOf = (typed: Partial<LimitTexts>) => {
    const read = changeBy(typed)
    return 'problems' in read ? Object.keys(read.problems) : []
  }
  expect(problemsOf({ maxPerMinute: 'x', maxConcurrent: '1.5' })).toEqual(['maxPerMinute', 'maxConcurrent'])
  expect(problemsOf({ rampFrom: 'x', rampAfterSucceeded: '', rampFactor: '-1' })).toEqual([
    'rampFrom',
    'rampAfterSucceeded',
    'rampFactor',
  ])
  expect(problemsOf({ maxPerMinute: '' })).toEqual(['maxPerMinute'])
  for (const budgetMaxConcurrent of ['', '-1']) {
    expect(problemsOf({ budgetMaxConcurrent })).toEqual(['budgetMaxConcurrent'])
  }
})

test('what the hub refuses is shown at its field, if the dialog has it', () => {
  const refused = (...path: string[]) =>
    placeLimitRefusal({ __typename: 'InvalidInputError', message: 'Bad.', path }, before)
  expect(refused('rollout', 'ramp', 'from')).toEqual({ rampFrom: 'Bad.' })
  expect(refused('rollout', 'budget', 'maxConcurrent')).toEqual({ budgetMaxConcurrent: 'Bad.' })
  expect(refused('rollout', 'window')).toBeUndefined()
  expect(refused('jobId')).toBeUndefined()
})
