import { sqltag as sql } from '@prisma/client/runtime/client'
import { createClient } from 'graphql-ws'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { settlePolicies } from '../../../src/access/commands.ts'
import { signSasToken } from '../../../src/access/sas.ts'
import { systemClock } from '../../../src/clock.ts'
import type { Db } from '../../../src/database/client.ts'
import { updateDevice } from '../../../src/device/commands.ts'
import { jobEventInterval } from '../../../src/events/events.ts'
import { readThroughOutage } from '../../../src/graphql/live/through-outage.ts'
import { createGraphqlServer, type GraphqlServer } from '../../../src/graphql/transport/server.ts'
import { everything } from '../../../src/scope.ts'
import { reportProperties } from '../../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { openTestDb } from '../../support/database.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { type Line, openLine } from '../../support/line.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { hubName, owner } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

let clock: TestClock
/** Of those who write, past the line that is cut. */
let deps: TestDeps
let line: Line
let db: Db
let server: GraphqlServer
let port: OpenPort
const deviceId = 'pump-0001'
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 3)
})
afterAll(() => deps.close())
beforeEach(async () => {
  line = await openLine(deps.database.url)
  db = openTestDb(line.url)
  server = createGraphqlServer({ ...deps, db }, { hostNames: [], anonymous: owner })
  port = await openPort({ server })
})
afterEach(async () => {
  await port.close()
  await until(() => server.openStreams() === 0)
  await server.close()
  await line.close()
  await db.close()
})

/** A subscriber over a WebSocket. `next` answers the next data, or the errors instead. */
const subscribe = (query: string) => {
  const results = port.client().iterate<Record<string, unknown>>({ query })
  return {
    async next(): Promise<unknown> {
      try {
        const { value, done } = await results.next()
        return done ? 'complete' : (value.errors ?? value.data)
      } catch (errors) {
        return errors
      }
    },
    leave: () => results.return?.(),
  }
}

/** The same by server-sent events. */
async function subscribeByHttp(query: string) {
  const gone = new AbortController()
  const response = await fetch(port.url.replace('ws', 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
    signal: gone.signal,
  })
  const chunks = response.body?.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  let text = ''
  return {
    async next(): Promise<unknown> {
      for (;;) {
        const [event, rest] = text.split(/\n\n(.*)/s)
        const data = /^event: next\ndata: (.*)$/.exec(event ?? '')?.[1]
        if (rest === undefined) text += (await chunks?.next())?.value ?? ''
        else text = rest
        if (rest !== undefined && data !== undefined) {
          const result = JSON.parse(data)
          return result.errors ?? result.data
        }
      }
    },
    leave: () => gone.abort(),
  }
}

/**
 * Lets the pauses between tries pass, until it holds; at most so many milliseconds, then it only waits: what a try takes on
 * a busy machine must not look like a long outage. Answers the milliseconds that it took.
 */
async function passUntil(condition: () => boolean, most = Number.POSITIVE_INFINITY): Promise<number> {
  const begin = clock.now().getTime()
  const passed = (): number => clock.now().getTime() - begin
  while (!condition()) {
    if (passed() < most) clock.advance(50)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return passed()
}
/** Waits, and lets pauses pass meanwhile: the longest, unless said otherwise. */
async function passing<T>(work: Promise<T>, most = 5_000): Promise<T> {
  let over = false
  const end = (): void => {
    over = true
  }
  work.then(end, end)
  await passUntil(() => over, most)
  return work
}

const twin = `subscription { twinUpdated(deviceId: "${deviceId}") { version } }`
let version = 1
const shown = () => ({ twinUpdated: { version } })
const changeTwin = async () => {
  await reportProperties(deps, deviceId, { version: ++version })
}

test.each(['dropping', 'starting'] as const)(
  'subscribers see what is there after an outage (%s), over WebSockets and by server-sent events',
  async (how) => {
    const updates = [subscribe(twin), await subscribeByHttp(twin)]
    for (const { next } of updates) expect(await next()).toEqual(shown())
    line.cut(how)
    await changeTwin()
    await passUntil(() => line.tries() >= 3)
    await changeTwin()
    await passUntil(() => line.tries() >= 5)
    line.restore()
    for (const { next } of updates) expect(await passing(next())).toEqual(shown())
    await changeTwin()
    for (const { next, leave } of updates) {
      expect(await next()).toEqual(shown())
      void leave()
    }
  },
)

test('a read that waits too long for a lock is tried again', async () => {
  const busy = openTestDb(deps.database.url, { databaseStatement: 300 })
  const locker = await deps.database.pool.connect()
  try {
    await locker.query('begin')
    await locker.query('lock table twin in access exclusive mode')
    let tries = 0
    const read = async () => {
      if (++tries === 3) await locker.query('rollback')
      return busy.query(sql`select 1 as one from twin limit 1`)
    }
    const waits = { deps: { clock: systemClock }, signal: new AbortController().signal }
    expect(await readThroughOutage(waits, read)).toEqual([{ one: 1 }])
  } finally {
    await locker.query('rollback')
    locker.release()
    await busy.close()
  }
})

test('a hundred equal subscribers try as often as one', async () => {
  const tryFiveTimes = async (count: number): Promise<number> => {
    const client = port.client()
    let results = 0
    const leave = Array.from({ length: count }, () =>
      client.subscribe({ query: twin }, { next: () => results++, error: () => {}, complete: () => {} }),
    )
    await until(() => results === count)
    line.cut()
    const before = line.tries()
    await changeTwin()
    const took = await passUntil(() => line.tries() >= before + 5)
    line.restore()
    await passUntil(() => results === 2 * count, 5_000)
    for (const one of leave) one()
    await until(() => server.openStreams() === 0)
    return took
  }
  // Four pauses, from 200 milliseconds on, each twice the one before, or down to half of that.
  for (const count of [1, 100]) {
    const took = await tryFiveTimes(count)
    expect(took).toBeGreaterThan(1_400)
    expect(took).toBeLessThan(6_000)
  }
})

test('an outage of more than a minute ends a subscription, and says that its client may come again', async () => {
  const updates = [subscribe(twin), await subscribeByHttp(twin)]
  for (const { next } of updates) expect(await next()).toEqual(shown())
  line.cut()
  await changeTwin()
  const errors = Promise.all(updates.map(({ next }) => next()))
  const took = await passUntil(() => server.openStreams() === 0)
  expect(took).toBeGreaterThanOrEqual(60_000)
  expect(took).toBeLessThan(75_000)
  const [closed, told] = await errors
  // Clients of WebSockets come again by themselves after this code.
  expect(closed).toMatchObject({ code: 1013 })
  expect(told).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 3 } }])
})

test('with a token a quiet socket outlives an outage of minutes, and one that was closed is back within five seconds', async () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  await settlePolicies(deps, key, undefined)
  const expiry = Math.floor(clock.now().getTime() / 1_000) + 86_400
  const authorization = signSasToken({ resource: hubName, key, expiry, policyName: 'iothubowner' })
  const withTokens = createGraphqlServer({ ...deps, db }, { hostNames: [hubName], anonymous: undefined })
  const itsPort = await openPort({ server: withTokens })
  /** A client of graphql-ws with its own settings, and what befalls it. */
  const stock = (query: string) => {
    const codes: unknown[] = []
    const client = createClient({
      url: itsPort.url,
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
      on: { closed: (event) => codes.push(Reflect.get(Object(event), 'code')) },
    })
    const seen: unknown[] = []
    const end = (error?: unknown) => seen.push(error ?? 'complete')
    client.subscribe({ query }, { next: ({ data }) => seen.push(data), error: end, complete: end })
    return { codes, seen, close: () => client.dispose() }
  }
  const quiet = stock('subscription { twinUpdated(deviceId: "pump-0002") { version } }')
  const busy = stock(twin)
  const first = shown()
  await expect.poll(() => [quiet.seen, busy.seen]).toEqual([[{ twinUpdated: { version: 1 } }], [first]])

  line.cut()
  await changeTwin()
  await passUntil(() => busy.codes.length === 1)
  expect(busy.codes).toEqual([1013])
  // Its token is looked up, again and again, for most of another minute.
  const tries = line.tries('twincast')
  await until(() => line.tries('twincast') > tries)
  const begin = clock.now().getTime()
  const hasWaited = () => clock.now().getTime() - begin >= 40_000 && line.tries('twincast') >= tries + 3
  await passUntil(() => busy.codes.length > 1 || hasWaited())
  expect(busy.codes).toEqual([1013])
  line.restore()
  for (let passed = 0; passed < 5_000; passed += 50) {
    clock.advance(50)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await expect.poll(() => busy.seen).toEqual([first, shown()])
  await reportProperties(deps, 'pump-0002', { a: 1 })
  const twins = [1, 2].map((number) => ({ twinUpdated: { version: number } }))
  await expect.poll(() => quiet.seen).toEqual(twins)
  expect([quiet.codes, busy.codes]).toEqual([[], [1013]])

  await Promise.all([quiet.close(), busy.close()])
  await itsPort.close()
  await until(() => withTokens.openStreams() === 0)
  await withTokens.close()
})

test('the end of the last subscriber ends the tries', async () => {
  const updates = [subscribe(twin), subscribe(twin)]
  for (const { next } of updates) expect(await next()).toEqual(shown())
  line.cut()
  await changeTwin()
  await passUntil(() => line.tries() === 2)
  await updates[0]?.leave()
  await passUntil(() => line.tries() === 4)
  await updates[1]?.leave()
  await until(() => server.openStreams() === 0)
  const tries = line.tries()
  for (let turn = 0; turn < 500; turn++) {
    clock.advance(20)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(line.tries()).toBe(tries)
})

test('the end of the hub does not wait for an outage', async () => {
  const updates = await subscribeByHttp(twin)
  await updates.next()
  line.cut()
  await changeTwin()
  await until(() => line.tries() === 1)
  await server.close()
  expect(JSON.stringify(await updates.next())).toContain('CUT_OFF')
})

test('a subscription that is asked for in an outage begins after it', async () => {
  line.cut()
  const updates = subscribe(twin)
  const first = updates.next()
  await passUntil(() => line.tries() >= 3)
  line.restore()
  expect(await passing(first)).toEqual(shown())
  await updates.leave()
})

/** Keeps all from reading a table until `letGo`. */
const holdTable = async (table: string) => {
  const { pool } = deps.database
  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query(`lock table ${table} in access exclusive mode`)
  const waiting = "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
  return {
    /** Resolves when somebody waits. */
    someoneWaits: () => expect.poll(async () => (await pool.query(`select ${waiting}`)).rows.length).toBeGreaterThan(0),
    /** Ends the connections of those who wait. */
    terminate: () => pool.query(`select pg_terminate_backend(pid) ${waiting}`),
    async letGo() {
      await holder.query('commit')
      holder.release()
    },
  }
}

test('a read that an administrator ends is done again', async () => {
  const updates = subscribe(twin)
  expect(await updates.next()).toEqual(shown())
  const held = await holdTable('device') // with the twin its device is read
  // Not by a report, which reads the device, too.
  await deps.database.pool.query('update twin set version = $1 where device_id = $2', [++version, deviceId])
  deps.events.publish('twin', deviceId, { deviceId })
  await held.someoneWaits()
  await held.terminate()
  await held.letGo()
  expect(await passing(updates.next())).toEqual(shown())
})

/** A subscription to the ends of device jobs, which have been found, while their devices wait to be read; then the line is cut. */
async function cutWhileDeviceJobsEnd() {
  const jobId = await givenMethodJob(deps, 'pump')
  await start(deps, jobId)
  const keys = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId, deviceId }))
  await dispatch(deps, ...keys)
  const updates = subscribe(`subscription { deviceJobEnded(jobId: "${jobId}") { deviceJobs { device { deviceId } } } }`)
  const first = updates.next()
  await until(() => server.openStreams() === 1)
  const held = await holdTable('device')
  await answer(deps, ...keys.map((key) => ({ ...key, response: { status: 200, payload: 'null' } })))
  clock.advance(jobEventInterval)
  await held.someoneWaits()
  line.cut()
  await passUntil(() => line.tries() > 1)
  await held.letGo()
  return { first, expected: { deviceJobs: keys.map(({ deviceId }) => ({ device: { deviceId } })) } }
}

test('what an update shows besides its row is read again, too: no device job is left out', async () => {
  const { first, expected } = await cutWhileDeviceJobsEnd()
  line.restore()
  expect(await passing(first)).toEqual({ deviceJobEnded: expected })
})

test('when that takes more than a minute, the subscription ends rather than to leave something out', async () => {
  const { first } = await cutWhileDeviceJobsEnd()
  expect(await passing(first, 70_000)).toMatchObject({ code: 1013 })
  await until(() => server.openStreams() === 0)
})

test('devices that change and jobs that appear during an outage are shown after it', async () => {
  const presence = subscribe('subscription { devicePresenceChanged { devices { deviceId status } } }')
  const jobs = subscribe('subscription { jobUpdated(filter: { jobIdPrefix: "away-" }) { jobId } }')
  await givenMethodJob(deps, 'pump', {}, { jobId: 'away-0' })
  // Both have begun.
  await presence.next()
  expect(await jobs.next()).toEqual({ jobUpdated: { jobId: 'away-0' } })
  const job = jobs.next()
  line.cut()
  await updateDevice(deps, everything, { deviceId, ifMatch: '*', status: 'disabled' })
  await givenMethodJob(deps, 'pump', {}, { jobId: 'away-1' })
  await passUntil(() => line.tries() >= 6)
  line.restore()
  expect(await passing(presence.next())).toEqual({
    devicePresenceChanged: { devices: [{ deviceId, status: 'DISABLED' }] },
  })
  expect(await passing(job)).toEqual({ jobUpdated: { jobId: 'away-1' } })
})

test.each([
  [
    'scheduleDeviceMethod',
    'a job',
    `mutation {
      scheduleDeviceMethod(input: {
        jobId: "kept", queryCondition: "*", cloudToDeviceMethod: { methodName: "m" }
      }) { ... on ScheduleJobPayload { job { jobId status statistics: deviceJobStatistics { deviceCount } } } }
    }`,
    { job: { jobId: 'kept', status: 'QUEUED', statistics: { deviceCount: 0 } } },
  ],
  [
    'scheduleTwinUpdate',
    'a job',
    `mutation {
      scheduleTwinUpdate(input: { jobId: "patched", queryCondition: "*", updateTwin: { tags: { a: 1 } } }) {
        ... on ScheduleJobPayload { job { jobId status } }
      }
    }`,
    { job: { jobId: 'patched', status: 'QUEUED' } },
  ],
  [
    'updateTwin',
    'a twin',
    `mutation {
      updateTwin(input: { deviceId: "pump-0002", patch: { tags: { a: 1 } } }) {
        ... on UpdateTwinPayload { twin { tags } }
      }
    }`,
    { twin: { tags: { fleet: 'pump', a: 1 } } },
  ],
  [
    'updateDevice',
    'a device',
    `mutation {
      updateDevice(input: { deviceId: "pump-0003", status: DISABLED }) {
        ... on UpdateDevicePayload { device { deviceId status } }
      }
    }`,
    { device: { deviceId: 'pump-0003', status: 'DISABLED' } },
  ],
] as const)(
  '%s has succeeded when %s is written, also if it cannot be read at once',
  async (name, _what, query, answer) => {
    // Whoever is told of the change is told before it is read.
    const writing: Db = {
      ...db,
      transaction: async (work, ...others) => {
        const result = await db.transaction(work, ...others)
        line.cut()
        return result
      },
    }
    const writer = createGraphqlServer({ ...deps, db: writing }, { hostNames: [], anonymous: owner })
    const asked = writer.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    await passUntil(() => line.tries() >= 2)
    line.restore()
    const response = await passing(Promise.resolve(asked))
    expect(await response.json()).toEqual({ data: { [name]: answer } })
    await writer.close()
  },
)
