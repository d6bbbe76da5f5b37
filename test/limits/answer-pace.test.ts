import { expect, test } from 'vitest'
import { createAnswerPace, largeAnswerBytes } from '../../src/limits/answer-pace.ts'
import { createTestClock } from '../support/clock.ts'

const megabyte = 1024 * 1024
const { signal } = new AbortController()

/** The pace by the default rate, four megabytes per second, of callers that are alone or not. */
function given() {
  const clock = createTestClock()
  const alone = new Set<string | null>()
  const pace = createAnswerPace(clock, { largeAnswers: 4 * megabyte }, { isAlone: (caller) => alone.has(caller) })
  const pass = (caller: string, bytes: number, begun = clock.elapsed()) => pace.pass(caller, bytes, begun, signal)
  /** Uses all that may be used at once, for answers that took long. */
  const useUp = (caller: string): void => {
    for (const bytes of [32, 2]) expect(pass(caller, bytes * megabyte, clock.elapsed() - 60_000)).toBeUndefined()
  }
  /** Whether a wait has ended. */
  const ended = async (wait: Promise<void> | undefined): Promise<boolean> => {
    let isOver = false
    void wait?.then(() => {
      isOver = true
    })
    await clock.giveWay()
    return isOver
  }
  return { clock, alone, pace, pass, useUp, ended }
}

test('a caller that has used up what it may use at once waits for its large answers, and for no others', async () => {
  const { clock, pass, useUp, ended } = given()
  useUp('a')
  const wait = pass('a', 2 * megabyte)
  expect(wait).toBeDefined()
  expect(pass('a', largeAnswerBytes - 1)).toBeUndefined()
  expect(pass('b', 2 * megabyte)).toBeUndefined()
  clock.advance(499)
  expect(await ended(wait)).toBe(false)
  clock.advance(1)
  expect(await ended(wait)).toBe(true)
})

test('an answer that took its time to be read does not wait, and answers at the same time wait for each other', async () => {
  const { clock, pass, useUp, ended } = given()
  useUp('a')
  const begun = clock.elapsed()
  clock.advance(500)
  expect(pass('a', 2 * megabyte, begun)).toBeUndefined()
  const second = pass('a', 2 * megabyte, begun)
  clock.advance(499)
  expect(await ended(second)).toBe(false)
  clock.advance(1)
  expect(await ended(second)).toBe(true)
})

test('no answer waits for more than five seconds, nor for a client that has disconnected', async () => {
  const { clock, pace, pass, useUp, ended } = given()
  useUp('a')
  const wait = pass('a', 100 * megabyte)
  const gone = new AbortController()
  const left = pace.pass('a', megabyte, clock.elapsed(), gone.signal)
  gone.abort()
  expect(await ended(left)).toBe(true)
  clock.advance(5_000)
  expect(await ended(wait)).toBe(true)
})

test('what was not used comes back at a tenth of the rate', () => {
  const { clock, pass, useUp } = given()
  useUp('a')
  expect(pass('a', megabyte)).toBeDefined()
  // The longest wait, and what brings back four megabytes.
  clock.advance(5_000 + 10_000)
  expect(pass('a', 3 * megabyte)).toBeUndefined()
  expect(pass('a', 3 * megabyte)).toBeUndefined()
  expect(pass('a', megabyte)).toBeDefined()
})

test('what a caller gets while nobody else sends requests does not count', () => {
  const { clock, alone, pace, pass } = given()
  alone.add('a')
  for (let count = 0; count < 20; count++) {
    expect(pass('a', 8 * megabyte)).toBeUndefined()
    pace.countUnpassed('a', 8 * megabyte, clock.elapsed())
  }
  alone.delete('a')
  expect(pass('a', 32 * megabyte)).toBeUndefined()
  expect(pace.begin('a', signal)).toBeUndefined()
})

test('a caller never waits while nobody else sends requests', async () => {
  const { alone, pace, pass, useUp, ended } = given()
  useUp('a')
  alone.add('a')
  expect(pass('a', 8 * megabyte)).toBeUndefined()
  pace.countUnpassed('a', 8 * megabyte, 0)
  expect(pace.begin('a', signal)).toBeUndefined()
  expect(await ended(pace.turnsOf('a').giveWay())).toBe(true)
})

test('long work for answers gives way for ten milliseconds, and all answers of a caller together have one turn in them', async () => {
  const { clock, pace, useUp, ended } = given()
  expect(await ended(pace.turnsOf('a').giveWay())).toBe(true)
  useUp('a')
  const turns = [pace.turnsOf('a').giveWay(), pace.turnsOf('a').giveWay()]
  expect(await ended(pace.turnsOf('b').giveWay())).toBe(true)
  clock.advance(9)
  expect(await ended(turns[0])).toBe(false)
  clock.advance(1)
  expect(await Promise.all(turns.map(ended))).toEqual([true, false])
  clock.advance(10)
  expect(await ended(turns[1])).toBe(true)
})
