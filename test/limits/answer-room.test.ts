import { expect, test } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { createAnswerRoom } from '../../src/limits/answer-room.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createLongTurns } from '../../src/limits/long-turns.ts'
import { createTestClock } from '../support/clock.ts'

const { signal } = new AbortController()
const givenRoom = (answersBytes: number) => {
  const clock = createTestClock()
  const limits = { ...defaultLimits, answersBytes }
  const longTurns = createLongTurns(clock, limits)
  return { clock, longTurns, room: createAnswerRoom({ clock, limits, longTurns }) }
}

/** The names of those that have entered, in their order. */
const entering = (room: ReturnType<typeof givenRoom>['room']) => {
  const entered: string[] = []
  const enter = async (name: string, caller: string, bytes: number) => {
    const hold = await room.enter(caller, bytes, signal)
    entered.push(name)
    return hold
  }
  return { entered, enter }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('answers of a caller that do not fit wait for those before them to leave, first come, first served', async () => {
  const { entered, enter } = entering(givenRoom(10).room)
  const first = await enter('first', 'a', 8)
  const second = enter('second', 'a', 8)
  const third = enter('third', 'a', 1)
  await turn()
  expect(entered).toEqual(['first'])
  first.release()
  first.release()
  await third
  expect(entered).toEqual(['first', 'second', 'third'])
  for (const hold of [await second, await third]) hold.release()
})

test('what an answer does not need is given back at once', async () => {
  const { entered, enter } = entering(givenRoom(10).room)
  const first = await enter('first', 'a', 8)
  const second = enter('second', 'a', 8)
  first.keep(2)
  await second
  expect(entered).toEqual(['first', 'second'])
})

test('nobody waits for room of another caller, but for room of all', async () => {
  const { entered, enter } = entering(givenRoom(10).room)
  const holds = [await enter('a-1', 'a', 10)]
  void enter('a-2', 'a', 10).then((hold) => holds.push(hold))
  for (const caller of ['b', 'c', 'd']) holds.push(await enter(`${caller}-1`, caller, 10))
  const last = enter('e-1', 'e', 10)
  await turn()
  expect(entered).toEqual(['a-1', 'b-1', 'c-1', 'd-1'])
  holds[1]?.release()
  await last
  expect(entered.at(-1)).toBe('e-1')
})

test('one answer always fits, however small the room is', async () => {
  const { room } = givenRoom(10)
  expect(await room.enter('a', 1_000, signal)).toBeDefined()
})

test('who waits too long is refused, and so is who has gone', async () => {
  const { room, clock } = givenRoom(10)
  const hold = await room.enter('a', 10, signal)
  const late = room.enter('a', 10, signal)
  const gone = new AbortController()
  const left = room.enter('a', 10, gone.signal)
  gone.abort()
  await expect(left).rejects.toThrow(LimitExceededError)
  clock.advance(10_000)
  await expect(late).rejects.toThrow(LimitExceededError)
  hold.release()
  expect(await room.enter('a', 10, signal)).toBeDefined()
})

test('of one caller only so many answers wait: more are refused at once, and those of others are not', async () => {
  const { room } = givenRoom(10)
  const all = new AbortController()
  await room.enter('a', 10, signal)
  const waiting = Array.from({ length: 1_000 }, () => room.enter('a', 10, all.signal).catch(() => 'gave up'))
  await expect(room.enter('a', 10, signal)).rejects.toThrow(LimitExceededError)
  expect(await room.enter('b', 10, signal)).toBeDefined()
  all.abort()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['gave up']))
})

test('an event of a subscription waits longer than a request may, until it is not wanted any more', async () => {
  const { room, clock } = givenRoom(10)
  const first = await room.enter('a', 10, signal)
  let entered = 0
  const left = new AbortController()
  const event = room.enterPatiently('a', 10, signal).then((hold) => {
    entered++
    return hold
  })
  const unwanted = room.enterPatiently('a', 10, left.signal)
  clock.advance(600_000)
  await turn()
  expect(entered).toBe(0)
  left.abort()
  await expect(unwanted).rejects.toThrow(LimitExceededError)
  first.release()
  await event
  expect(entered).toBe(1)
})

test('what is in memory already does not wait, and others wait for it', async () => {
  const { room } = givenRoom(10)
  const { entered, enter } = entering(room)
  await enter('first', 'a', 8)
  const printed = room.hold('a', 8)
  const second = enter('second', 'a', 2)
  await turn()
  expect(entered).toEqual(['first'])
  printed.release()
  await second
  expect(entered).toEqual(['first', 'second'])
})

test('a read for several callers is counted by the one with the most room', async () => {
  const { room } = givenRoom(10)
  const hold = room.hold('a', 4)
  room.hold('b', 3)
  expect(room.roomiest(['a', 'b'])).toBe('b')
  hold.release()
  expect(room.roomiest(['a', 'b'])).toBe('a')
})

test('a large answer that leaves without being passed delays the next one of its caller, and that of nobody else', async () => {
  const { clock, room, longTurns } = givenRoom(64 * 1024 * 1024)
  const arrive = () => {
    for (const caller of ['a', 'b']) longTurns.arrived(caller)
  }
  const leave = async () => (await room.enter('a', 40 * 1024 * 1024, signal)).release()
  const { entered, enter } = entering(room)
  arrive()
  await leave()
  const next = enter('a', 'a', 1)
  await enter('b', 'b', 1)
  await turn()
  expect(entered).toEqual(['b'])
  clock.advance(5_000)
  await next
  arrive()
  // One that kept little room, or was passed, delays none.
  const small = await enter('small', 'a', 40 * 1024 * 1024)
  small.keep(1_000)
  small.release()
  const passed = await enter('passed', 'a', 40 * 1024 * 1024)
  void passed.pass(40 * 1024 * 1024)
  passed.release()
  await enter('last', 'a', 1)
  expect(entered).toEqual(['b', 'a', 'small', 'passed', 'last'])
})
