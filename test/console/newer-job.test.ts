import { expect, test } from 'vitest'
import { newerOf } from '../../src/console/newer-job.ts'

test('of two states of a job, the one with the higher version holds, whichever arrives last', () => {
  const [paused, resumed] = [
    { version: 7, status: 'PAUSED' },
    { version: 8, status: 'RUNNING' },
  ]
  expect(newerOf(undefined, paused)).toBe(paused)
  expect(newerOf(paused, resumed)).toBe(resumed)
  expect(newerOf(resumed, paused)).toBe(resumed)
})

test('of two states of one version, the reported one holds: what is counted for it may be newer', () => {
  const [known, reported] = [
    { version: 7, throughput: 1 },
    { version: 7, throughput: 2 },
  ]
  expect(newerOf(known, reported)).toBe(reported)
})
