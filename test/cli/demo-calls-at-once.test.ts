import { expect, test } from 'vitest'
import { mostAtOnce } from '../../src/cli/demo/calls-at-once.ts'

const call = (deviceId: string, time: number, answeredTime?: number) => ({
  deviceId,
  time,
  ...(answeredTime !== undefined && { answeredTime }),
})
const floorOf = (deviceId: string): string => deviceId.slice(0, 1)

test('calls in the same group that overlap are at once, those of different groups are not', () => {
  expect(mostAtOnce([call('a1', 0, 10), call('b1', 5, 15), call('a2', 10, 20)], floorOf)).toBe(1)
  expect(mostAtOnce([call('a1', 0, 10), call('b1', 5, 15), call('a2', 9, 20)], floorOf)).toBe(2)
})

test('a call without an answer is in progress for good', () => {
  expect(mostAtOnce([call('a1', 0), call('a2', 100, 110), call('a3', 120, 130)], floorOf)).toBe(2)
})

test('without calls there are none at once', () => {
  expect(mostAtOnce([], floorOf)).toBe(0)
})
