import { expect, test } from 'vitest'
import { type LimitTexts, printLimits, readLimitsChange } from '../../../src/console/pages/job/limits-change.ts'

const before: LimitTexts = { maxPerMinute: '600', maxConcurrent: '', budgetMaxConcurrent: '2' }
const changeBy = (typed: Partial<LimitTexts>) => readLimitsChange(before, { ...before, ...typed })

test('the limits of a job are texts, and empty where it has none', () => {
  const budget = { groupBy: 'tags.site', maxConcurrent: 2 }
  expect(
    printLimits({ maxPerMinute: 600, ramp: null, maxConcurrent: null, budget, window: null, retry: null, abort: [] }),
  ).toEqual(before)
  expect(printLimits(null)).toEqual({ maxPerMinute: '', maxConcurrent: '', budgetMaxConcurrent: '' })
})

test('a change has only the limits that differ', () => {
  expect(changeBy({ maxConcurrent: ' 7 ' })).toEqual({ change: { maxConcurrent: 7 } })
  expect(changeBy({ maxPerMinute: '' })).toEqual({ change: { maxPerMinute: null } })
  expect(changeBy({ budgetMaxConcurrent: '3', maxPerMinute: '700' })).toEqual({
    change: { maxPerMinute: 700, budget: { maxConcurrent: 3 } },
  })
})

test('a change of nothing is not sent', () => {
  expect(changeBy({})).toEqual({ problem: 'You have not changed any limit.' })
  expect(changeBy({ maxPerMinute: ' 600 ' })).toEqual({ problem: 'You have not changed any limit.' })
})

test('a text that is no number is a problem, and so is a budget without calls', () => {
  for (const typed of [{ maxPerMinute: 'x' }, { maxConcurrent: '1.5' }]) {
    expect(changeBy(typed)).toEqual({ problem: 'Enter whole numbers, or leave the fields empty.' })
  }
  for (const budgetMaxConcurrent of ['', '-1']) {
    expect(changeBy({ budgetMaxConcurrent })).toEqual({ problem: 'Enter a whole number of calls per group.' })
  }
})
