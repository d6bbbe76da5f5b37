import { expect, test } from 'vitest'
import { jobPageBody, jobPageVariables } from '../../bench/job-pages.ts'

const filed = { count: 1_000, since: Date.parse('2026-11-01T00:00:00Z') }
const numbers = Array.from({ length: 20_000 }, (_, number) => number)

test('no two requests for a page are the same', () => {
  expect(new Set(numbers.map((number) => jobPageBody(number, filed))).size).toBe(numbers.length)
})

test('pages of all sizes from 16 to 25 jobs are requested, half of them with a filter', () => {
  const variables = numbers.map((number) => jobPageVariables(number, filed))
  expect(new Set(variables.map(({ first }) => first))).toEqual(new Set([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]))
  expect(variables.filter(({ filter }) => filter !== undefined)).toHaveLength(numbers.length / 2)
})
