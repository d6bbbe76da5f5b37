import { expect, test } from 'vitest'
import { createWaitingCalls, type WaitingCalls } from '../../src/scheduler/waiting-calls.ts'

const all = () => true
const fill = (waiting: WaitingCalls, group: string, ...deviceIds: string[]) => {
  for (const deviceId of deviceIds) waiting.add({ jobId: 'job', deviceId, group })
}
const taken = (waiting: WaitingCalls, most = 100) => waiting.take(most, all).map(({ deviceId }) => deviceId)

test('a group gives as many as its budget, and the next when it is freed', () => {
  const waiting = createWaitingCalls(2)
  fill(waiting, 'a', 'a1', 'a2', 'a3', 'a4')
  fill(waiting, 'b', 'b1')
  const first = waiting.take(100, all)
  expect(first.map(({ deviceId }) => deviceId)).toEqual(['a1', 'a2', 'b1'])
  for (const call of first) waiting.marked(call)
  expect(waiting.ready()).toBe(0)
  expect(waiting.isAnyFull()).toBe(true)
  expect(waiting.free('b')).toBe(false)
  expect(waiting.free('a')).toBe(true)
  expect(taken(waiting)).toEqual(['a3', 'a4'])
})

test('groups take turns when fewer are taken than there are', () => {
  const waiting = createWaitingCalls(3)
  fill(waiting, 'a', 'a1', 'a2', 'a3')
  fill(waiting, 'b', 'b1')
  expect(taken(waiting, 1)).toEqual(['a1'])
  expect(taken(waiting, 1)).toEqual(['b1'])
  expect(taken(waiting, 1)).toEqual(['a2'])
})

test('a refused call is the next of its group, which rests until it is freed', () => {
  const waiting = createWaitingCalls(3)
  fill(waiting, 'a', 'a1', 'a2')
  const [call] = waiting.take(1, all)
  if (call === undefined) throw new Error('Nothing was taken.')
  waiting.refused(call)
  expect(taken(waiting)).toEqual([])
  waiting.free('a')
  expect(taken(waiting)).toEqual(['a1', 'a2'])
})

test('a group that is freed while a call of it is decided on does not rest after a refusal', () => {
  const waiting = createWaitingCalls(1)
  fill(waiting, 'a', 'a1')
  const [call] = waiting.take(1, all)
  if (call === undefined) throw new Error('Nothing was taken.')
  waiting.free('a')
  waiting.refused(call)
  expect(taken(waiting)).toEqual(['a1'])
})

test('what was not marked gives its room back, so that the next of the group has its turn', () => {
  const waiting = createWaitingCalls(1)
  fill(waiting, 'a', 'a1', 'a2', 'a3')
  for (const call of waiting.take(1, all)) waiting.drop(call)
  for (const call of waiting.take(1, all)) waiting.putBack(call)
  expect(taken(waiting)).toEqual(['a2'])
})

test('devices that cannot be reached use no room', () => {
  const waiting = createWaitingCalls(1)
  fill(waiting, 'a', 'a1', 'a2')
  expect(waiting.take(1, (deviceId) => deviceId !== 'a1').map(({ deviceId }) => deviceId)).toEqual(['a2'])
})

test('without a budget all can be taken, in the order in which they were found', () => {
  const waiting = createWaitingCalls(Number.POSITIVE_INFINITY)
  const deviceIds = Array.from({ length: 5_000 }, (_, index) => `d${index}`)
  for (const deviceId of deviceIds) waiting.add({ jobId: 'job', deviceId })
  expect(waiting.ready()).toBe(5_000)
  const found: string[] = []
  while (waiting.ready() > 0)
    for (const call of waiting.take(700, all)) {
      waiting.marked(call)
      found.push(call.deviceId)
    }
  expect(found).toEqual(deviceIds)
  expect(waiting.isEmpty()).toBe(true)
})
