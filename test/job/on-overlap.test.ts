import { expect, test } from 'vitest'
import { blocksStart, checkOnOverlap, refusedBecauseOf } from '../../src/job/on-overlap.ts'

test('a job runs next to others unless it says otherwise', () => {
  expect(checkOnOverlap(undefined, 'continuous')).toBe('parallel')
  expect(checkOnOverlap(null, 'atStart')).toBe('parallel')
  expect(checkOnOverlap('queue', 'atStart')).toBe('queue')
  expect(checkOnOverlap('refuse', 'atCreation')).toBe('refuse')
})

test.each([
  ['skip', 'atStart'],
  ['', 'atStart'],
  [true, 'atStart'],
  ['queue', 'continuous'],
  ['refuse', 'continuous'],
] as const)('%o for a job with the targets %s is refused with its path', (value, targets) => {
  expect(() => checkOnOverlap(value, targets)).toThrow(expect.objectContaining({ path: ['onOverlap'] }))
})

const at = (second: number) => new Date(second * 1000)
const job = { startTime: at(100), maxExecutionTimeInSeconds: 50 }
const other = (start: number, end: number, isStarted = true) => ({
  startTime: at(start),
  startedTime: isStarted ? at(start) : null,
  deadline: at(end),
})

test('a job that waits does so for those that have started', () => {
  expect(blocksStart('queue', job, other(0, 90))).toBe(true)
  expect(blocksStart('queue', job, other(100, 150, false))).toBe(false)
})

test('a job is refused because of those that may run at the same time', () => {
  expect(blocksStart('refuse', job, other(0, 101))).toBe(true)
  expect(blocksStart('refuse', job, other(149, 200, false))).toBe(true)
  expect(blocksStart('refuse', job, other(0, 100))).toBe(false)
  expect(blocksStart('refuse', job, other(150, 200, false))).toBe(false)
})

test('no other job matters to one that runs next to them', () => {
  expect(blocksStart('parallel', job, other(0, 1000))).toBe(false)
})

test('a refusal names five jobs at most', () => {
  expect(refusedBecauseOf(['a'])).toBe('The job was refused, because another job has some of its devices: "a".')
  expect(refusedBecauseOf(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe(
    'The job was refused, because other jobs have some of its devices: "a", "b", "c", "d", "e" and 2 more.',
  )
})
