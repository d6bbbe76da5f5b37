import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { maxTextBytes } from '../../src/database/notifications.ts'
import type { Events } from '../../src/events/events.ts'
import { parseHint, printHints } from '../../src/events/instances.ts'
import { carriedTopics } from '../../src/events/topics.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { joinInstance } from '../support/joined-instance.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

type Instance = Awaited<ReturnType<typeof joinInstance<TestClock>>>
/** Those that have joined. They leave after the test, also when it fails. */
const joined: Instance[] = []
afterEach(() => Promise.all(joined.splice(0).map((instance) => instance.close())))

async function join(leaseMs?: number, beforeJoining?: (events: Events) => void): Promise<Instance> {
  const instance = await joinInstance({ databaseUrl: database.url, clock: createTestClock(), leaseMs, beforeJoining })
  joined.push(instance)
  return instance
}
/** It knows so many others. */
const knows = (one: Instance, count: number) => expect.poll(() => one.peers('postgresql')).toBe(count)

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
  await knows(one, 1)
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
})

test('an instance that is alone sends nothing', async () => {
  const sent = await sentDuring(async () => {
    const alone = await join()
    alone.events.publish('identity', { deviceId: 'a' })
    alone.clock.advance(80)
    await alone.close()
  })
  expect(sent).toBe(0)
})

test('what has gathered when an instance leaves is sent', async () => {
  const [leaving, staying] = [await join(), await join()]
  await knows(leaving, 1)
  leaving.events.publish('presence', { deviceIds: ['gone'] })
  await leaving.close()
  await expect.poll(() => staying.heard).toEqual(['gone'])
})

test('what an instance sends while it is not connected is sent when it is', async () => {
  const [one, other] = [await join(), await join()]
  await knows(one, 1)
  one.reconnect()
  await expect.poll(() => one.isConnected()).toBe(false)
  one.events.publish('identity', { deviceId: 'a' })
  await expect
    .poll(() => {
      one.clock.advance(100)
      return other.heard
    })
    .toEqual(['a'])
})

test('an instance that stays without a connection lets the others know by its lease', async () => {
  const [one, other] = [await join(), await join()]
  await knows(one, 1)
  one.reconnect()
  await expect.poll(() => one.isConnected()).toBe(false)
  one.events.publish('identity', { deviceId: 'a' })
  const since = one.hints()
  one.clock.advance(20_000)
  await expect
    .poll(() => {
      one.clock.advance(100)
      return other.heard
    })
    .toEqual(['a'])
  // One that it sent, and one before that did not leave.
  expect(one.hints()).toBe(since + 2)
})

test('what did not arrive is looked for: of an instance that began before, or with others not yet known', async () => {
  const [one, two] = [await join(), await join()]
  await knows(one, 1)
  const since = two.hints()
  two.reconnect() // nothing can be sent, and this is more than it keeps
  await expect.poll(() => two.isConnected()).toBe(false)
  two.events.publish('presence', { deviceIds: Array.from({ length: 10_001 }, (_, index) => String(index)) })
  two.clock.advance(80)
  await expect.poll(() => two.hints()).toBeGreaterThan(since)
  await expect
    .poll(() => {
      one.clock.advance(1_000)
      return one.recoverMissed.mock.calls.length
    })
    .toBeGreaterThan(0)
})

test('what an instance published before it had joined is looked for by the others', async () => {
  const one = await join(600_000)
  const other = await join(600_000, (events) => events.publish('presence', { deviceIds: ['gone'] }))
  await knows(one, 1) // what it has sent since has arrived
  const seen = [{ id: other.instanceId, hints: other.hints() }]
  one.seen(seen)
  one.clock.advance(4_000)
  one.seen(seen)
  expect(one.heard).toEqual([])
  expect(one.recoverMissed).toHaveBeenCalledOnce()
})

const looks = ({ recoverMissed, clock }: Instance): number[] =>
  recoverMissed.mock.calls.map(([since]) => since.getTime() - clock.now().getTime())
/** Instances whose leases were read in this order, a millisecond after each other. */
const living = ['a', 'b', 'c', 'd'].map((id) => ({ id, hints: 0 }))
function seeAll({ clock, seen }: Instance): void {
  for (let count = 1; count <= living.length; count++) {
    clock.advance(1)
    seen(living.slice(0, count))
  }
}

test('what may have been missed is looked for again when that failed', async () => {
  const one = await join(600_000)
  one.recoverMissed.mockRejectedValueOnce(new Error('The database does not answer.'))
  seeAll(one)
  one.seen([])
  await expect
    .poll(() => {
      one.clock.advance(100)
      return one.recoverMissed.mock.calls.length
    })
    .toBe(2)
  expect(new Set(looks(one)).size).toBe(1)
})

test('losses while an instance looks for what it missed are looked for together, from the earliest on', async () => {
  const one = await join(600_000)
  let end = (): void => {}
  one.recoverMissed.mockReturnValueOnce(
    new Promise((resolve) => {
      end = resolve
    }),
  )
  seeAll(one)
  const [a, b, c, d] = living
  const without = (...left: unknown[]) => one.seen(living.filter((each) => left.includes(each)))
  without(a, b, c)
  await expect.poll(() => looks(one)).toEqual([-1])
  without(a, c)
  without(c)
  without(d)
  end()
  await expect.poll(() => looks(one)).toEqual([-1, -4])
})

const from = '00000000-0000-4000-8000-000000000000'

test('ids are split into texts that fit a notification, and come out as they went in', () => {
  const ids = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }), { minLength: 1, maxLength: 600 })
  fc.assert(
    fc.property(fc.constantFrom(...carriedTopics), ids, (topic, all) => {
      let number = 0
      const texts = printHints({ from, topic, ids: all }, () => ++number)
      for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxTextBytes)
      const hints = texts.map(parseHint)
      expect(hints.flatMap((hint) => hint?.ids ?? [])).toEqual(all)
      expect(hints.map((hint) => hint?.number)).toEqual(texts.map((_, index) => index + 1))
      expect(new Set(hints.map((hint) => hint?.topic))).toEqual(new Set([topic]))
    }),
    { numRuns: 50 },
  )
})

test('many ids that are short are few enough a text for a listener to be told', () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => String(index))
  const texts = printHints({ from, topic: 'job', ids }, () => 1)
  expect(texts.map((text) => parseHint(text)?.ids.length)).toEqual([250, 250, 250, 250])
})

test('what somebody else sends by NOTIFY is ignored', async () => {
  const [one, other] = [await join(), await join()]
  await knows(one, 1)
  for (const channel of ['twincast', 'twincast:news', 'twincast:reply.x']) {
    const foreign = `["${from}",1,"news","x"]`
    for (const text of ['', 'joined', '{}', '["twin","x"]', `["${from}",0,"twin","x"]`, foreign, '2/1.x']) {
      await database.pool.query('select pg_notify($1, $2)', [channel, text])
    }
  }
  one.events.publish('identity', { deviceId: 'ours' })
  one.clock.advance(80)
  await expect.poll(() => other.heard).toEqual(['ours'])
  expect(other.recoverMissed).not.toHaveBeenCalled()
})

test.each([
  '',
  'joined',
  'null',
  '{}',
  '[]',
  '["x",1,"twin","d"]',
  `["${from}","1","twin","d"]`,
  `["${from}",1.5,"twin","d"]`,
  `["${from}",-1,"twin","d"]`,
  `["${from}",1,["twin"],"d"]`,
  `["${from}",1,"twin",1]`,
  `["${from}",1,"twin",["d"]]`,
  JSON.stringify([from, 1, 'twin', ...Array.from({ length: 251 }, () => 'd')]),
])('%s is no hint', (text) => {
  expect(parseHint(text)).toBeUndefined()
})

test('a hint of a topic that only another release knows is counted, and concerns nothing', () => {
  expect(parseHint(`["${from}",3,"telemetry","d"]`)).toEqual({ from, number: 3, topic: undefined, ids: ['d'] })
})
