import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { createLongTurns } from '../../src/limits/long-turns.ts'
import { createTestClock } from '../support/clock.ts'

/** Turns with the default share, and what was done in which order. */
function createTurns() {
  const clock = createTestClock()
  const turns = createLongTurns(clock, { longTurns: 5 })
  const done: string[] = []
  /** Work of `ms` of the caller with the first letter of its name. */
  const ask = (name: string, ms: number, signal?: AbortSignal, bytes?: number): Promise<string | undefined> => {
    const work = (): string => {
      done.push(name)
      clock.advance(ms)
      return name
    }
    return turns.take(name.slice(0, 1), work, signal, bytes)
  }
  const bothArrive = (): void => {
    for (const caller of ['a', 'b']) turns.arrived(caller)
  }
  return { clock, turns, done, ask, bothArrive }
}

test('there is one long piece of work in a turn of the event loop, and callers alternate', async () => {
  const { clock, ask, done } = createTurns()
  const names = ['a1', 'a2', 'a3', 'b1', 'b2']
  const all = Promise.all(names.map((name) => ask(name, 1)))
  expect(done).toEqual(['a1'])
  // What is done before the event loop goes on does not let the next one in.
  for (let step = 0; step < 10; step++) await undefined
  expect(done).toEqual(['a1'])
  await clock.giveWay()
  expect(done).toEqual(['a1', 'a2'])
  expect(await all).toEqual(names)
  expect(done).toEqual(['a1', 'a2', 'b1', 'a3', 'b2'])
})

test('beside others a caller that has used its share waits, and the others do not', async () => {
  const { clock, ask, done, bothArrive } = createTurns()
  bothArrive()
  await ask('a1', 510)
  const waiting = ask('a2', 10)
  expect(await ask('b1', 10)).toBe('b1')
  await clock.asleep()
  clock.advance(1_989)
  bothArrive()
  await clock.giveWay()
  expect(done).toEqual(['a1', 'b1'])
  clock.advance(1)
  expect(await waiting).toBe('a2')
})

test('no rest is longer than five seconds', async () => {
  const { clock, ask, bothArrive } = createTurns()
  bothArrive()
  await ask('a1', 60_000)
  bothArrive()
  const waiting = ask('a2', 10)
  await clock.asleep()
  clock.advance(5_000)
  expect(await waiting).toBe('a2')
})

test('a caller that is alone never waits', async () => {
  const { turns, ask } = createTurns()
  for (let round = 0; round < 20; round++) {
    turns.arrived('a')
    expect(await ask('a', 500)).toBe('a')
  }
})

test('work that was done at once counts, and such work of less than a millisecond does not', async () => {
  const { clock, turns, ask, done, bothArrive } = createTurns()
  for (let round = 0; round < 2_000; round++) turns.count('b', () => clock.advance(0.9))
  turns.count('a', () => clock.advance(1_000))
  bothArrive()
  expect(await ask('b1', 1)).toBe('b1')
  const gone = new AbortController()
  const waiting = ask('a1', 1, gone.signal)
  await clock.giveWay()
  gone.abort()
  expect(await waiting).toBeUndefined()
  expect(done).toEqual(['b1'])
})

test('many short turns of a caller count, from 25 milliseconds per second on', async () => {
  const { clock, ask, done, bothArrive } = createTurns()
  for (let round = 0; round < 1_500; round++) {
    bothArrive()
    await ask('b', 0.5)
    clock.advance(20) // 24 ms per second
  }
  clock.advance(2_000) // nobody else sends requests
  for (let round = 0; round < 1_100; round++) await ask('a', 0.5)
  bothArrive()
  expect(await ask('b1', 0.5)).toBe('b1')
  const gone = new AbortController()
  const waiting = ask('a1', 0.5, gone.signal)
  await clock.giveWay()
  gone.abort()
  expect(await waiting).toBeUndefined()
  expect(done.at(-1)).toBe('b1')
})

test('the bytes of a request count, however short its turn was', async () => {
  const { clock, ask, bothArrive } = createTurns()
  for (let round = 0; round < 128; round++) await ask('a', 0, undefined, 256 * 1024)
  bothArrive()
  const waiting = ask('a', 0)
  await clock.asleep()
  clock.advance(2_399) // 512 ms were used, and 500 were there
  bothArrive()
  await clock.giveWay()
  clock.advance(1)
  expect(await waiting).toBe('a')
})

test('the failure of the work is that of the turn, and the next turn comes', async () => {
  const { turns, ask } = createTurns()
  const throwing = turns.take('a', () => {
    throw new Error('at once')
  })
  await expect(throwing).rejects.toThrow('at once')
  await expect(turns.take('a', () => Promise.reject(new Error('later')))).rejects.toThrow('later')
  expect(await ask('a1', 1)).toBe('a1')
})

test('who has too much waiting is refused', async () => {
  const { ask, bothArrive } = createTurns()
  bothArrive()
  await ask('a', 1_000)
  const gone = new AbortController()
  setMaxListeners(0, gone.signal)
  const waiting = Array.from({ length: 1_000 }, () => ask('a', 1, gone.signal))
  await expect(ask('a', 1)).rejects.toThrow(LimitExceededError)
  gone.abort()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]))
})
