import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createLongMessages } from '../../../src/graphql/transport/long-messages.ts'
import { createLongTurns, longRequestBytes } from '../../../src/limits/long-turns.ts'
import { createTestClock } from '../../support/clock.ts'

const long = 'x'.repeat(longRequestBytes)

/** The messages of a socket whose caller has used its share, next to another caller, and what was done. */
async function whileOthersAsk({ caller = 'a' }: { caller?: string | undefined } = {}) {
  const clock = createTestClock()
  const turns = createLongTurns(clock, { longTurns: 5 })
  turns.count('a', () => clock.advance(600))
  for (const each of ['a', 'b']) turns.arrived(each)
  const done: string[] = []
  const ended = new AbortController()
  setMaxListeners(0, ended.signal)
  const take = createLongMessages(turns, {
    caller: () => (caller === '' ? undefined : caller),
    signal: ended.signal,
    hold() {
      done.push('stop reading')
      return () => done.push('read on')
    },
    take: (text, isTurn) => done.push(`${text.slice(-1)}${isTurn ? ' in a turn' : ''}`),
    refuse: () => done.push('refused'),
  })
  return { clock, turns, done, ended, take }
}

test('a long message waits for the turn of its caller, and those after it follow in their order', async () => {
  const { clock, done, take } = await whileOthersAsk()
  for (const text of ['1', `${long}2`, '3', `${long}4`]) take(text)
  await clock.asleep()
  expect(done).toEqual(['1', 'stop reading'])
  for (let step = 0; step < 10; step++) {
    clock.advance(5_000)
    await clock.giveWay()
  }
  await expect.poll(() => done).toEqual(['1', 'stop reading', '2 in a turn', '3', '4 in a turn', 'read on'])
  take('5')
  expect(done.at(-1)).toBe('5')
})

test('messages before the token do not wait', async () => {
  const { done, take } = await whileOthersAsk({ caller: '' })
  take(`${long}1`)
  expect(done).toEqual(['1'])
})

test('nothing is handled for a client that disconnects while its message waits', async () => {
  const { done, ended, take } = await whileOthersAsk()
  take(`${long}1`)
  ended.abort()
  await expect.poll(() => done).toEqual(['stop reading', 'read on'])
})

test('a caller with too many waiting messages is refused', async () => {
  const { turns, done, ended, take } = await whileOthersAsk()
  const waiting = Array.from({ length: 1_000 }, () => turns.take('a', () => {}, ended.signal))
  take(`${long}1`)
  await expect.poll(() => done).toEqual(['stop reading', 'refused', 'read on'])
  ended.abort()
  await Promise.all(waiting)
})
