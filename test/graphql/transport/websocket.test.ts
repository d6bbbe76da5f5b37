import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { expiryToleranceInSeconds } from '../../../src/access/sas.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort, until } from './sockets.ts'

let clock: TestClock
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, anonymous: undefined, logLevel: 'info' })
  await givenDevices(door.deps, 'pump', 1)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'followed' })
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(() => port.close())

const address = '127.0.0.1'
const cutOffs = () => door.logged.filter(({ msg }) => msg === 'GraphQL WebSocket closed by the hub')

const init = async (authorization?: string) => {
  const socket = await port.socket()
  socket.send({ type: 'connection_init', ...(authorization !== undefined && { payload: { authorization } }) })
  return socket
}
const ready = async (authorization?: string) => {
  const socket = await init(authorization ?? (await door.token('iothubowner')))
  expect(await socket.next()).toEqual({ type: 'connection_ack' })
  return socket
}
const follow = { query: 'subscription { deviceJobStatistics(jobId: "followed") { version } }' }

// The rules of the protocol itself are in websocket-protocol.test.ts.
describe('a connection', () => {
  test('may show its token in the header of the upgrade', async () => {
    const socket = await port.socket({ headers: { authorization: await door.token('service') } })
    socket.send({ type: 'connection_init' })
    expect(await socket.next()).toEqual({ type: 'connection_ack' })
  })

  test('may spell the name of its token as a header', async () => {
    const socket = await port.socket()
    socket.send({ type: 'connection_init', payload: { Authorization: await door.token('service') } })
    expect(await socket.next()).toEqual({ type: 'connection_ack' })
  })

  test('is closed with 4403 when its token has expired, and its subscriptions end', async () => {
    const expiry = Math.floor(clock.now().getTime() / 1000) + 60
    const socket = await ready(await door.token('iothubowner', { expiry }))
    socket.send({ id: '1', type: 'subscribe', payload: follow })
    expect(await socket.next()).toMatchObject({ type: 'next' })
    clock.advance((60 + expiryToleranceInSeconds) * 1000)
    expect(await socket.closed).toEqual({ code: 4403, reason: 'TOKEN_EXPIRED' })
    await until(() => door.server.openStreams() === 0)
  })

  test('with a token that has expired is closed with 4403, after which clients try again with the next token', async () => {
    const expiry = Math.floor(clock.now().getTime() / 1000) - expiryToleranceInSeconds - 1
    const socket = await init(await door.token('iothubowner', { expiry }))
    expect(await socket.closed).toEqual({ code: 4403, reason: 'TOKEN_EXPIRED' })
  })

  test('whose token has expired tells no operation that it is complete, whatever wakes first', async () => {
    const wakes: (() => void)[] = []
    const sleepsLong = (ms: number, signal?: AbortSignal) =>
      ms < 60_000 ? clock.sleep(ms, signal) : new Promise<void>((resolve) => wakes.push(resolve))
    const other = await openDoor({ clock: { ...clock, sleep: sleepsLong } })
    const otherPort = await openPort(other)
    const expiry = Math.floor(clock.now().getTime() / 1000) + 60
    const socket = await otherPort.socket()
    socket.send({
      type: 'connection_init',
      payload: { authorization: await other.token('iothubowner', { expiry }) },
    })
    await socket.next()
    socket.send({
      id: '1',
      type: 'subscribe',
      payload: { query: 'subscription { devicePresenceChanged { initial } }' },
    })
    expect(await socket.next()).toMatchObject({ type: 'next' })
    const messages: unknown[] = []
    socket.raw.on('message', (data) => messages.push(String(data)))
    clock.advance((60 + expiryToleranceInSeconds) * 1000)
    for (const wake of wakes.toReversed()) {
      wake()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await socket.closed).code).toBe(4403)
    expect(messages).toEqual([])
    await otherPort.close()
    await other.close()
  })

  test('whose other side does not take its leave gets no more reads', async () => {
    const expiry = Math.floor(clock.now().getTime() / 1000) + 60
    const socket = await ready(await door.token('iothubowner', { expiry }))
    socket.send({ id: '1', type: 'subscribe', payload: follow })
    await socket.next()
    socket.raw.pause()
    clock.advance((60 + expiryToleranceInSeconds) * 1000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(door.server.openStreams()).toBe(1)
    await door.deps.database.pool.query("update job set version = version + 1 where id = 'followed'")
    door.deps.events.publish('job', 'followed', { jobId: 'followed' })
    await until(() => door.server.openStreams() === 0)
  })

  test('whose other side does not close it too is cut off within seconds', async () => {
    const socket = await port.socket()
    const cutOff = Promise.all(port.connections.map((connection) => once(connection, 'close')))
    socket.raw.pause()
    clock.advance(3_000)
    await cutOff
    expect(port.connections.every(({ destroyed }) => destroyed)).toBe(true)
  })

  test('whose other side no longer answers pings is cut off', async () => {
    const socket = await ready()
    socket.raw.pong = () => {}
    const pinged = new Promise((resolve) => socket.raw.once('ping', resolve))
    clock.advance(12_000)
    await pinged
    clock.advance(12_000)
    expect((await socket.closed).code).toBe(1006)
    expect(cutOffs()).toEqual([expect.objectContaining({ reason: 'the client does not answer pings', address })])
  })

  test('is not read and counts as alive while its long message waits for a turn', async () => {
    const before = cutOffs().length
    const { take } = door.deps.longTurns
    const turn = new AbortController()
    const waits = vi.spyOn(door.deps.longTurns, 'take').mockImplementation(async (...of) => {
      if (!turn.signal.aborted) await once(turn.signal, 'abort')
      return await take(...of)
    })
    const socket = await ready()
    const connection = port.connections.at(-1)
    socket.send({ id: '1', type: 'subscribe', payload: { query: `{ __typename } #${'x'.repeat(5_000)}` } })
    await until(() => waits.mock.calls.length === 1)
    expect(connection?.isPaused()).toBe(true)
    for (let round = 0; round < 4; round++) {
      clock.advance(12_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    turn.abort()
    expect(await socket.next()).toMatchObject({ id: '1', payload: { data: { __typename: 'Query' } } })
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
    // One to parse it, and five to validate it.
    expect(waits.mock.calls.length).toBe(6)
    waits.mockRestore()
    expect(connection?.isPaused()).toBe(false)
    expect(cutOffs().slice(before)).toEqual([])
  })

  test('whose other side reads nothing is cut off, and the log says why and who', async () => {
    const before = cutOffs().length
    const socket = await ready()
    const connection = port.connections.at(-1)
    socket.raw.pause()
    for (let count = 0; count < 100; count++) {
      socket.send({ type: 'ping', payload: { text: 'x'.repeat(200_000), count } })
    }
    await until(() => (connection?.writableLength ?? 0) > 0)
    while (connection?.destroyed === false) {
      clock.advance(12_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const [line, ...others] = cutOffs().slice(before)
    expect(others).toEqual([])
    expect(line).toMatchObject({ level: 30, reason: 'the client does not read what was sent', address })
  })

  test('whose other side answers pings stays open beside one that does not', async () => {
    const silent = await ready()
    silent.raw.pong = () => {}
    const lively = await ready()
    for (let round = 0; round < 3; round++) {
      const pinged = once(lively.raw, 'ping')
      clock.advance(12_000)
      await pinged
      // What follows the answer to the ping is handled after it.
      lively.send({ type: 'ping' })
      expect(await lively.next()).toEqual({ type: 'pong' })
    }
    expect((await silent.closed).code).toBe(1006)
    expect(lively.raw.readyState).toBe(lively.raw.OPEN)
  })
})

describe('a page', () => {
  test('of another site gets no connection', async () => {
    expect((await (await port.socket({ headers: { origin: 'https://evil.example' } })).closed).code).toBe(403)
  })

  test('of the hub itself gets one', async () => {
    const socket = await port.socket({ headers: { origin: port.url.replace(/^ws(.*)\/graphql$/, 'http$1') } })
    expect(socket.raw.readyState).toBe(socket.raw.OPEN)
  })
})

describe('an operation', () => {
  const ask = async (query: string, policy = 'iothubowner') => {
    const socket = await ready(await door.token(policy))
    socket.send({ id: '1', type: 'subscribe', payload: { query } })
    return socket.next()
  }

  test.each([
    ['does not parse', '{', 'GRAPHQL_PARSE_FAILED'],
    ['does not fit the schema', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'is over a limit of its shape',
      `{ ${Array.from({ length: 31 }, (_, index) => `a${index}: __typename`).join(' ')} }`,
      'LIMIT_EXCEEDED',
    ],
  ])('that %s is an error of its own', async (_what, query, code) => {
    const answer = await ask(query)
    expect(answer).toMatchObject({ id: '1', type: 'error', payload: [{ message: expect.any(String) }] })
    const [error] = Object(answer.payload)
    expect(error.extensions?.code).toBe(code)
    expect(error.extensions ?? {}).not.toHaveProperty('http')
  })

  test('that costs too much is refused as over HTTP', async () => {
    const answer = await ask(
      '{ jobs(first: 100) { nodes { deviceJobs(first: 100) { nodes { device { deviceId } } } } } }',
    )
    expect(Object(answer.payload).errors).toMatchObject([
      { extensions: { code: 'LIMIT_EXCEEDED', limit: 'complexity' } },
    ])
  })

  test('without the right to it is refused as over HTTP', async () => {
    const answer = await ask('subscription { jobUpdated { jobId } }', 'device')
    expect(JSON.stringify(answer)).toContain('"FORBIDDEN"')
  })
})

test('a shutdown ends subscriptions and says goodbye with 1001', async () => {
  const other = await openDoor({ clock })
  const otherPort = await openPort(other)
  const socket = await otherPort.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  socket.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { jobUpdated { jobId } }' } })
  await until(() => other.server.openStreams() === 1)
  await other.server.close()
  expect(await socket.closed).toEqual({ code: 1001, reason: 'going away' })
  expect(other.server.openStreams()).toBe(0)
  await otherPort.close()
  await other.close()
})

test('a WebSocket over its frames a second is read from later, and all that it sent is answered', async () => {
  const other = await openDoor({ clock, limits: { webSocketFrames: 10 } })
  const otherPort = await openPort(other)
  const socket = await otherPort.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  const pongs: unknown[] = []
  socket.raw.on('message', (data) => pongs.push(JSON.parse(String(data)).payload.count))
  for (let count = 0; count < 40; count++) socket.send({ type: 'ping', payload: { count } })
  const connection = otherPort.connections.at(-1)
  await expect.poll(() => connection?.isPaused()).toBe(true)
  await until(() => {
    if (connection?.isPaused()) clock.advance(1_000)
    return pongs.length === 40
  })
  expect(pongs).toEqual(Array.from({ length: 40 }, (_, count) => count))
  await otherPort.close()
  await other.close()
})
