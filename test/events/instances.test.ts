import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { maxTextBytes } from '../../src/database/notifications.ts'
import { parseHint, printHints } from '../../src/events/instances.ts'
import { carriedTopics } from '../../src/events/topics.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { joinInstance } from '../support/joined-instance.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const join = () => joinInstance({ databaseUrl: database.url, clock: createTestClock() })

/** The statements that sent something while this was done. */
async function sentDuring(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, 'query')
  await work()
  const sent = query.mock.calls.filter(([statement]) => JSON.stringify(statement).includes('pg_notify'))
  query.mockRestore()
  return sent.length
}

test('what is published in quick succession is sent in one statement, each id once, and not echoed', async () => {
  const [one, other] = [await join(), await join()]
  await expect.poll(() => other.recoverMissed.mock.calls.length).toBe(1)
  const sent = await sentDuring(async () => {
    for (let times = 0; times < 100; times++) {
      one.events.publish('identity', { deviceId: 'a' })
      one.events.publish('presence', { deviceIds: ['b', `c${times % 3}`] })
    }
    one.clock.advance(80)
    await expect.poll(() => other.heard).toEqual(['a', 'b', 'c0', 'c1', 'c2'])
    // It had time to come back: this is heard after whatever came before it.
    other.events.publish('identity', { deviceId: 'last' })
    other.clock.advance(80)
    await expect.poll(() => one.heard.at(-1)).toBe('last')
  })
  expect(sent).toBe(2)
  expect(one.heard).toHaveLength(100 * 3 + 1)
  expect(other.heard).toEqual(['a', 'b', 'c0', 'c1', 'c2', 'last'])
  await Promise.all([one.close(), other.close()])
})

test('an instance that is alone sends nothing', async () => {
  const alone = await join()
  await alone.clock.asleep()
  alone.clock.advance(5_000)
  await alone.clock.asleep() // it has looked, and will again
  const sent = await sentDuring(async () => {
    alone.events.publish('identity', { deviceId: 'a' })
    alone.clock.advance(80)
    await alone.close()
  })
  expect(sent).toBe(0)
})

test('what has gathered when an instance leaves is sent', async () => {
  const [leaving, staying] = [await join(), await join()]
  leaving.events.publish('presence', { deviceIds: ['gone'] })
  await leaving.close()
  await expect.poll(() => staying.heard).toEqual(['gone'])
  await staying.close()
})

/** As an instance says it that was cut off since then. */
const sayCutOff = (since: number) => database.pool.query(`select pg_notify('twincast', 'again ${since}')`)
const looks = ({ recoverMissed }: Awaited<ReturnType<typeof join>>) =>
  recoverMissed.mock.calls.map(([since]) => since.getTime())

test('what may have been missed is looked for again when that failed', async () => {
  const one = await join()
  one.recoverMissed.mockRejectedValueOnce(new Error('The database does not answer.'))
  await sayCutOff(1_000)
  await expect
    .poll(() => {
      one.clock.advance(100)
      return looks(one)
    })
    .toEqual([1_000, 1_000])
  await one.close()
})

test('losses while an instance looks for what it missed are looked for together, from the earliest on', async () => {
  const one = await join()
  let end = (): void => {}
  one.recoverMissed.mockReturnValueOnce(
    new Promise((resolve) => {
      end = resolve
    }),
  )
  await sayCutOff(5_000)
  await expect.poll(() => looks(one)).toEqual([5_000])
  for (const since of [2_000, 1_000, 3_000]) await sayCutOff(since)
  // It is received after what came before it.
  await database.pool.query(`select pg_notify('twincast', '["identity","last"]')`)
  await expect.poll(() => one.heard).toEqual(['last'])
  end()
  await expect.poll(() => looks(one)).toEqual([5_000, 1_000])
  await one.close()
})

test('ids are split into texts that fit a notification, and come out as they went in', () => {
  const ids = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }), { minLength: 1, maxLength: 600 })
  fc.assert(
    fc.property(fc.constantFrom(...carriedTopics), ids, (topic, all) => {
      const texts = printHints(topic, all)
      for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxTextBytes)
      const hints = texts.map(parseHint)
      expect(hints.flatMap((hint) => hint?.ids ?? [])).toEqual(all)
      expect(new Set(hints.map((hint) => hint?.topic))).toEqual(new Set([topic]))
    }),
    { numRuns: 50 },
  )
})

test('many ids that are short are few enough a text for a listener to be told', () => {
  const texts = printHints(
    'job',
    Array.from({ length: 1_000 }, (_, index) => String(index)),
  )
  expect(texts.map((text) => parseHint(text)?.ids.length)).toEqual([250, 250, 250, 250])
})

test('what somebody else sends by NOTIFY is ignored', async () => {
  const [one, other] = [await join(), await join()]
  await expect.poll(() => other.recoverMissed.mock.calls.length).toBe(1)
  for (const channel of ['twincast', 'twincast:news', 'twincast:reply.x']) {
    for (const text of ['', 'here 1', 'again x', '{}', '["twin",["x"]]', '["news","x"]', '2/1.x', 'bye']) {
      await database.pool.query('select pg_notify($1, $2)', [channel, text])
    }
  }
  one.events.publish('identity', { deviceId: 'ours' })
  one.clock.advance(80)
  await expect.poll(() => other.heard).toEqual(['ours'])
  expect(other.recoverMissed).toHaveBeenCalledTimes(1)
  await Promise.all([one.close(), other.close()])
})

test.each([
  '',
  'hello',
  'null',
  '{}',
  '[]',
  '["telemetry","d"]',
  '["twin",1]',
  '["twin",["d"]]',
  JSON.stringify(['twin', ...Array.from({ length: 251 }, () => 'd')]),
])('%s is no hint', (text) => {
  expect(parseHint(text)).toBeUndefined()
})
