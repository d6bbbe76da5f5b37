import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { createArrivals, openFileLimit, type PortKind } from '../../src/limits/arrivals.ts'
import { defaultLimits, type Limits } from '../../src/limits/limits.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createTestClock } from '../support/clock.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A proxy that is trusted. */
const proxy = '203.0.113.1'

function setUp(limits: Partial<Limits>, openFiles = Number.POSITIVE_INFINITY) {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const clock = createTestClock()
  const metrics = createMetrics()
  const arrivals = createArrivals(
    { clock, log, limits: { ...defaultLimits, ...limits } },
    {
      openFiles,
      metrics,
      isProxy: (address) => address === proxy,
    },
  )
  let kept = 0
  return {
    arrivals,
    clock,
    lines,
    /** The refused connections, by the reason. */
    refused: () => metrics.print(),
    /** How many connections were not closed at once. */
    kept: () => kept,
    async listen(kind: PortKind = 'MQTT') {
      const server = createServer((socket) => socket.on('error', () => {}))
      servers.push(server)
      arrivals.guard(server, { variable: `${kind}_PORT`, kind })
      server.on('connection', ({ destroyed }) => {
        if (!destroyed) kept++
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const address = server.address()
      return typeof address === 'object' ? (address?.port ?? 0) : 0
    },
  }
}

/** A connection and whether it is kept: the server has it when a byte could be sent back, or closes it. */
async function open(port: number) {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  return socket
}
const closed = async (port: number): Promise<void> => {
  const socket = await open(port)
  socket.resume()
  await once(socket, 'close')
}

test('one address has only so many connections open, and one that closes makes room', async () => {
  const { listen, lines } = setUp({ addressConnections: 2 })
  const port = await listen()
  const [first, second] = [await open(port), await open(port)]
  await closed(port)
  expect(lines).toMatchObject([
    { level: 40, port: 'MQTT_PORT', address: '127.0.0.1', msg: expect.stringContaining('too many connections') },
  ])
  // Another port is another matter.
  const other = await open(await listen())
  const gone = once(second, 'close')
  second.destroy()
  await gone
  await expect
    .poll(async () => {
      const third = await open(port)
      const isKept = await Promise.race([
        once(third.resume(), 'close').then(() => false),
        new Promise<boolean>((resolve) => setImmediate(() => setImmediate(() => resolve(true)))),
      ])
      third.destroy()
      return isKept
    })
    .toBe(true)
  first.destroy()
  other.destroy()
})

test('one address opens connections only so fast, and time gives it more', async () => {
  const { listen, clock, lines, kept } = setUp({ addressNewConnections: 1 })
  const port = await listen()
  const sockets = []
  for (let count = 0; count < 10; count++) sockets.push(await open(port))
  await closed(port)
  expect(kept()).toBe(10)
  clock.advance(1_000)
  sockets.push(await open(port))
  await closed(port)
  expect(kept()).toBe(11)
  const refused = { port: 'MQTT_PORT', msg: expect.stringContaining('too many new connections') }
  // The second one is counted, and written with its minute.
  expect(lines).toMatchObject([refused])
  clock.advance(60_000)
  await expect.poll(() => lines).toMatchObject([refused, refused])
  for (const socket of sockets) socket.destroy()
})

test('with few files to open, devices cannot use up the connections of HTTP, and the log says what to do', async () => {
  const { listen, lines, kept } = setUp({}, 16)
  expect(lines).toMatchObject([{ openFiles: 16, connections: 12, msg: expect.stringContaining('ulimit -n') }])
  const [mqtt, http] = [await listen('MQTT'), await listen('HTTP')]
  const sockets = []
  for (let count = 0; count < 11; count++) sockets.push(await open(mqtt))
  await closed(mqtt)
  sockets.push(await open(http))
  await closed(http)
  expect(kept()).toBe(12)
  expect(lines.slice(1)).toMatchObject([{ port: 'MQTT_PORT' }, { port: 'HTTP_PORT' }])
  for (const socket of sockets) socket.destroy()
})

test('a port has only so many connections open, whatever addresses they come from', async () => {
  const { listen, lines, kept } = setUp({ httpConnections: 2, mqttConnections: 3 })
  for (const [kind, most] of [
    ['HTTP', 2],
    ['MQTT', 3],
  ] as const) {
    const port = await listen(kind)
    const sockets = []
    const before = kept()
    for (let count = 0; count < most; count++) sockets.push(await open(port))
    await closed(port)
    expect(kept() - before).toBe(most)
    expect(lines.pop()).toMatchObject({
      port: `${kind}_PORT`,
      msg: 'connection closed at once: too many connections to the port',
    })
    for (const socket of sockets) socket.destroy()
  }
  expect(lines).toEqual([])
})

test('a connection that the system does not let a listening port accept is logged, and ends nothing', async () => {
  const { listen, lines, kept } = setUp({})
  const port = await listen()
  // As Node reports it when no file can be opened any more.
  servers.at(-1)?.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
  expect(lines).toMatchObject([{ level: 50, port: 'MQTT_PORT', msg: 'connection could not be accepted' }])
  const socket = await open(port)
  await expect.poll(kept).toBe(1)
  socket.destroy()
})

test('where the defaults fit, nothing is said', () => {
  expect(setUp({}, 1_000_000).lines).toEqual([])
  expect(setUp({}).lines).toEqual([])
  expect(openFileLimit()).toBeGreaterThan(0)
})

test('of an address that showed many bad tokens, only those are looked at that were good before', () => {
  const { arrivals, clock } = setUp({ addressFailures: 1 })
  arrivals.tried('192.0.2.7', 'good', true)
  for (let count = 0; count < 10; count++) arrivals.tried('192.0.2.7', 'bad', false)
  const may = (address: string, token?: string) => arrivals.mayTry(address, token)
  expect([may('192.0.2.7', 'new'), may('192.0.2.7'), may('192.0.2.7', 'good'), may('192.0.2.8', 'new')]).toEqual([
    false,
    false,
    true,
    true,
  ])
  clock.advance(1_000)
  expect(may('192.0.2.7', 'new')).toBe(true)
})

test('of good tokens the newest are known, and the oldest are forgotten', () => {
  const { arrivals } = setUp({ addressFailures: 1 })
  // A thousand of them fill 8 MiB.
  const token = (index: number): string => `good ${index} `.padEnd(8_388, '.')
  const count = 1_001
  for (let index = 0; index < count; index++) arrivals.tried('192.0.2.7', token(index), true)
  for (let index = 0; index < 10; index++) arrivals.tried('192.0.2.7', 'bad', false)
  const known = [0, 1, count - 1].map((index) => arrivals.mayTry('192.0.2.7', token(index)))
  expect(known).toEqual([false, true, true])
})

test('refused connections are counted by the reason, and trusted proxies have no limits of one address', async () => {
  const { arrivals, listen, refused } = setUp({ addressConnections: 1, addressSockets: 1 })
  const port = await listen()
  const first = await open(port)
  await closed(port)
  first.destroy()
  expect(arrivals.openSocket('192.0.2.7')).toBeTypeOf('function')
  expect(arrivals.openSocket('192.0.2.7')).toBeUndefined()
  expect(arrivals.openSocket('192.0.2.8')).toBeTypeOf('function')
  for (let count = 0; count < 2; count++) expect(arrivals.openSocket(proxy)).toBeTypeOf('function')
  const counted = (await refused()).match(/^twincast_connections_refused_total.* [1-9]\d*$/gm)
  expect(counted).toEqual([
    'twincast_connections_refused_total{reason="connections"} 1',
    'twincast_connections_refused_total{reason="sockets"} 1',
  ])
})

test('addresses that did nothing for a while take no memory', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const { arrivals, clock } = setUp({})
  const heapUsed = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = heapUsed()
  for (let index = 0; index < 100_000; index++) {
    if (index % 1_000 === 0) clock.advance(10_000)
    arrivals.tried(`10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`, 'bad', false)
  }
  expect(heapUsed() - before).toBeLessThan(8 * 1024 * 1024)
  expect(arrivals.mayTry('10.0.0.1', undefined)).toBe(true)
})
