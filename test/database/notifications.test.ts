import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { listenForNotifications, maxTextBytes, type Notifications } from '../../src/database/notifications.ts'
import { serversOf } from '../../src/database/servers.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openDatabaseProxy, type TcpProxy } from '../support/tcp-proxy.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

type Process = Notifications & {
  readonly clock: TestClock
  readonly heard: string[]
  /** Since when, each time. */
  readonly missed: Date[]
  readonly messages: (readonly [subject: string, text: string])[]
  readonly errors: unknown[]
}
const processes: Process[] = []
let proxy: TcpProxy | undefined
afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.close()))
  await proxy?.close()
  await expect.poll(listeningPids).toEqual([]) // PostgreSQL hears of it a moment later
})

async function startProcess(url = database.url): Promise<Process> {
  const clock = createTestClock()
  const heard: string[] = []
  const missed: Date[] = []
  const messages: [subject: string, text: string][] = []
  const errors: unknown[] = []
  const notifications = await listenForNotifications(
    { servers: serversOf(url), clock, onError: (error) => errors.push(error) },
    {
      received: (text) => heard.push(text),
      missed: (since) => missed.push(since),
      message: (subject, text) => messages.push([subject, text]),
    },
  )
  const started = { ...notifications, clock, heard, missed, messages, errors }
  processes.push(started)
  return started
}

/** Lets time go on until the process has connected again: more than one attempt may be needed on a busy server. */
const reconnecting = <T>(one: Process, seen: () => T): (() => T) => {
  return () => {
    one.clock.advance(100)
    return seen()
  }
}

const listeningPids = async (): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where application_name = 'twincast notifications' and datname = current_database() order by backend_start`,
  )
  return rows.map(({ pid }) => pid)
}

test('a text reaches all others, once and in order, and not its sender', async () => {
  const [a, b, c] = [await startProcess(), await startProcess(), await startProcess()]
  const long = 'ü'.repeat(maxTextBytes / 2)
  await a.send(['first', long])
  await a.send(['last'])
  for (const other of [b, c]) await expect.poll(() => other.heard).toEqual(['first', long, 'last'])
  await b.send(['back'])
  await expect.poll(() => a.heard).toEqual(['back'])
})

test('a connection that breaks comes back, and what was lost since it was last known to work may be missed', async () => {
  const [a, b] = [await startProcess(), await startProcess()]
  await a.clock.asleep()
  a.clock.advance(5_000) // its connection is checked
  await a.clock.asleep()
  const known = a.clock.now()
  a.clock.advance(1_000)
  const [pid] = await listeningPids()
  await database.pool.query('select pg_terminate_backend($1)', [pid])
  await expect.poll(() => a.errors).toHaveLength(1)
  expect(a.isConnected()).toBe(false)

  await a.clock.asleep()
  await expect.poll(reconnecting(a, () => a.missed)).toEqual([known])
  expect(b.missed).toEqual([])
  await b.send(['again heard'])
  await expect.poll(() => a.heard).toEqual(['again heard'])
  await a.send(['again sent'])
  await expect.poll(() => b.heard).toEqual(['again sent'])
})

test('a connection that stalls is replaced at once when that is known, whatever waits on it to be sent', async () => {
  const stalling = await openDatabaseProxy(database.url)
  proxy = stalling
  const [a, b] = [await startProcess(stalling.url), await startProcess()]
  stalling.breakOpen('stall')
  const lost = a.send(['lost'])
  await a.clock.asleep()
  a.clock.advance(5_000) // the connection is checked when that has been sent
  await a.clock.giveWay()
  a.reconnect()
  await lost
  await a.clock.asleep()
  await expect.poll(reconnecting(a, () => a.missed)).toHaveLength(1)
  await a.send(['back'])
  await expect.poll(() => b.heard).toEqual(['back'])
})

test('a process gets messages of its first subjects from the beginning', async () => {
  const texts: string[] = []
  const settings = { servers: serversOf(database.url), clock: createTestClock(), onError: () => {} }
  const news = ['news', 'more-news']
  const listener = { received: () => {}, missed: () => {}, message: (_: string, text: string) => texts.push(text) }
  const [a, b] = [
    await listenForNotifications(settings, listener),
    await listenForNotifications({ ...settings, subjects: news }, listener),
  ]
  try {
    for (const subject of news) a.transport.send(subject, subject)
    await expect.poll(() => texts).toEqual(news)
  } finally {
    await Promise.all([a.close(), b.close()])
  }
})

test('it begins without the database, and goes on trying', async () => {
  const clock = createTestClock()
  const errors: unknown[] = []
  const missing = new URL(database.url)
  missing.pathname += '_missing'
  const notifications = await listenForNotifications(
    { servers: serversOf(missing.href), clock, onError: (error) => errors.push(error) },
    { received: () => {}, missed: () => {}, message: () => {} },
  )
  expect(notifications.isConnected()).toBe(false)
  await notifications.send(['nobody hears this'])
  clock.advance(100)
  await expect.poll(() => errors.length).toBeGreaterThan(1)
  await notifications.close()
})

/** How many locks there are on the entrance and inside. */
const locks = async (which: 'granted' | 'not granted'): Promise<number> => {
  const { rows } = await database.pool.query(
    `select from pg_locks where locktype = 'advisory' and ${which}
     and database = (select oid from pg_database where datname = current_database())`,
  )
  return rows.length
}

const isAlone = (one: Process): Promise<boolean> => one.enter(async (alone) => alone)

test('who enters knows whether others are in, and is so until it closes', async () => {
  const [a, b] = [await startProcess(), await startProcess()]
  expect(await isAlone(a)).toBe(true) // the other listens, but is not in
  expect(await isAlone(b)).toBe(false)
  await a.close()
  const c = await startProcess()
  expect(await isAlone(c)).toBe(false)
  await Promise.all([b.close(), c.close()])
  expect(await isAlone(await startProcess())).toBe(true)
})

test('who has closed is out', async () => {
  for (let times = 0; times < 5; times++) {
    const a = await startProcess()
    await isAlone(a)
    expect(await locks('granted')).toBe(1)
    await a.close()
    expect(await locks('granted')).toBe(0)
  }
})

test('one enters at a time', async () => {
  const [a, b] = [await startProcess(), await startProcess()]
  const entered: string[] = []
  let waiting: Promise<void> | undefined
  await a.enter(async (alone) => {
    waiting = b.enter(async (alone) => {
      entered.push(`b, ${alone}`)
    })
    await expect.poll(() => locks('not granted')).toBe(1)
    entered.push(`a, ${alone}`)
  })
  await waiting
  expect(entered).toEqual(['a, true', 'b, false'])
})

test('who fails to enter is not in, and lets the next enter', async () => {
  const [a, b] = [await startProcess(), await startProcess()]
  await expect(
    a.enter(async () => {
      throw new Error('other keys')
    }),
  ).rejects.toThrow('other keys')
  expect(await isAlone(b)).toBe(true)
})

test('who is in and loses its connection is in again when it comes back', async () => {
  const [a, b] = [await startProcess(), await startProcess()]
  await isAlone(a)
  const [pid] = await listeningPids()
  await database.pool.query('select pg_terminate_backend($1)', [pid])
  await expect.poll(() => a.errors).toHaveLength(1)
  await a.clock.asleep()
  await expect.poll(reconnecting(a, () => a.missed)).toHaveLength(1) // the other has answered, so it listens again
  expect(await isAlone(b)).toBe(false)
})

test('nobody enters while the others cannot be asked', async () => {
  const a = await startProcess()
  const [pid] = await listeningPids()
  const work = vi.fn(async () => {})
  await database.pool.query('select pg_terminate_backend($1)', [pid])
  await expect.poll(() => a.errors).toHaveLength(1)
  await expect(a.enter(work)).rejects.toThrow('other instances')
  expect(work).not.toHaveBeenCalled()
})

test('messages of any length reach those that listen to their subject, whole and in order, and nobody else', async () => {
  const [a, b, c] = [await startProcess(), await startProcess(), await startProcess()]
  b.transport.listen('call.b')
  c.transport.listen('call.c')
  // Its statement comes after those that listen.
  for (const one of [b, c]) await one.send(['listening'])
  const long = `${'x'.repeat(2_599)}\u{1f600}${'é'.repeat(200_000)}`
  for (const text of ['first', '', long, 'same', 'same']) a.transport.send('call.b', text)
  a.transport.send('call.c', 'other')
  await expect.poll(() => c.messages).toEqual([['call.c', 'other']])
  await expect.poll(() => b.messages).toEqual(['first', '', long, 'same', 'same'].map((text) => ['call.b', text]))
  expect(a.messages).toEqual([])

  b.transport.unlisten('call.b')
  await b.send(['not any more'])
  a.transport.send('call.b', 'late')
  a.transport.send('call.c', 'last')
  await expect.poll(() => c.messages).toHaveLength(2)
  expect(b.messages).toHaveLength(5)
})

test('a process whose connection broke listens to its subjects again', async () => {
  const [a, b] = [await startProcess(), await startProcess()]
  b.transport.listen('call.b')
  await b.send(['listening'])
  const before = await listeningPids()
  b.reconnect()
  const newPids = reconnecting(b, async () => (await listeningPids()).filter((pid) => !before.includes(pid)))
  await expect.poll(newPids).toHaveLength(1)
  await expect
    .poll(() => {
      a.transport.send('call.b', 'back')
      return b.messages[0]
    })
    .toEqual(['call.b', 'back'])
})

test('a subject that could be anything else is refused', async () => {
  const a = await startProcess()
  for (const subject of ['', 'a"; drop table job; --', 'x'.repeat(51)]) {
    expect(() => a.transport.listen(subject)).toThrow('is not a subject')
  }
})
