import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createDevice } from '../../../src/device/commands.ts'
import { jobEventInterval } from '../../../src/events/events.ts'
import { maxOperationsPerSocket } from '../../../src/graphql/limits.ts'
import { maxBytesBeforeAck } from '../../../src/graphql/transport/websocket.ts'
import { maxBodyBytes } from '../../../src/limits/body-size.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwin } from '../../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, jobRow } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type BareSocket, type OpenPort, openPort, until } from './sockets.ts'

// The rules of graphql-transport-ws (PROTOCOL.md of graphql-ws), one by one, as a client without a library sees them.
// Who may connect, and how long, is in websocket.test.ts. 4004, 4005 and 4504 are for clients to close with.

let clock: TestClock
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, anonymous: undefined })
  await createDevice(door.deps, everything, { deviceId: 'pump', twin: { tags: {} } })
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
  // Whatever a client sends, it is no fault of the hub.
  expect(door.logged).toEqual([])
})

const token = () => door.token('iothubowner')
const introduce = async () => ({ type: 'connection_init', payload: { authorization: await token() } })
const ready = async (): Promise<BareSocket> => {
  const socket = await port.socket()
  socket.send(await introduce())
  expect(await socket.next()).toEqual({ type: 'connection_ack' })
  return socket
}
const subscribe = (id: string, query: string, rest: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...rest },
})
const twin = 'subscription { twinUpdated(deviceId: "pump") { version } }'
const silent = 'subscription { telemetry(deviceId: "pump") { deviceId } }'

/** A socket that follows the twin as operation 1, the first event of which has come. */
const following = async (): Promise<BareSocket> => {
  const socket = await ready()
  socket.send(subscribe('1', twin))
  expect(await socket.next()).toMatchObject({ id: '1', type: 'next' })
  return socket
}
/** Changes the twin, so that whoever follows it has an event. */
const change = () =>
  patchTwin(door.deps, everything, { deviceId: 'pump', ifMatch: '*', patch: { tags: { turn: Math.random() } } })
/** Sends messages in one packet, so that they arrive at once. */
const sendAtOnce = (socket: BareSocket, ...messages: unknown[]): void => {
  const connection = Object(socket.raw)._socket
  connection.cork()
  for (const message of messages) socket.send(message)
  connection.uncork()
}
/** That nothing is on its way: the answer to a ping is the next message. */
const expectNothing = async (socket: BareSocket): Promise<void> => {
  socket.send({ type: 'ping', payload: { nothing: 'before' } })
  expect(await socket.next()).toEqual({ type: 'pong', payload: { nothing: 'before' } })
}

describe('the subprotocol', () => {
  test('is graphql-transport-ws', async () => {
    const socket = await port.socket()
    expect(socket.raw.protocol).toBe('graphql-transport-ws')
  })

  test('may stand among others', async () => {
    const socket = new WebSocket(port.url, ['graphql-ws', 'graphql-transport-ws'])
    await new Promise((resolve) => socket.once('open', resolve))
    expect(socket.protocol).toBe('graphql-transport-ws')
    socket.terminate()
  })

  // In a header, for the client of the tests would itself refuse an answer without the protocol it asked for.
  test.each([
    ['absent', {}],
    ['the one of subscriptions-transport-ws', { 'sec-websocket-protocol': 'graphql-ws' }],
    ['in other letters', { 'sec-websocket-protocol': 'GRAPHQL-TRANSPORT-WS' }],
  ])('that is %s closes the socket with 4406', async (_what, headers) => {
    const socket = await port.socket({ protocol: '', headers })
    expect(await socket.closed).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' })
  })
})

describe('connection_init', () => {
  test('is answered with connection_ack', async () => {
    await expectNothing(await ready())
  })

  test('may have the payload null, with the token in a header', async () => {
    const socket = await port.socket({ headers: { authorization: await token() } })
    socket.send({ type: 'connection_init', payload: null })
    expect(await socket.next()).toEqual({ type: 'connection_ack' })
  })

  test('without a token closes the socket with 4401', async () => {
    const socket = await port.socket()
    socket.send({ type: 'connection_init' })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
  })

  test('with a forged token closes the socket with 4401, after which clients stop', async () => {
    const forged = await door.token('iothubowner', { key: Buffer.alloc(32, 1).toString('base64') })
    const socket = await port.socket()
    socket.send({ type: 'connection_init', payload: { authorization: forged } })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'TOKEN_INVALID' })
  })

  test('that does not come within three seconds closes the socket with 4408', async () => {
    const [silentSocket, other] = [await port.socket(), await ready()]
    silentSocket.send({ type: 'ping' })
    await silentSocket.next()
    clock.advance(2_999)
    await expectNothing(silentSocket)
    clock.advance(1)
    expect(await silentSocket.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' })
    await expectNothing(other)
  })

  test('of as many bytes as a client may send before the answer is taken', async () => {
    const init = { ...(await introduce()), padding: '' }
    const socket = await port.socket()
    socket.send({ ...init, padding: 'x'.repeat(maxBytesBeforeAck - JSON.stringify(init).length) })
    expect(await socket.next()).toEqual({ type: 'connection_ack' })
  })

  test('that does not end is not read on, and its socket closed', async () => {
    const socket = await port.socket()
    const connection = port.connections.at(-1)
    // The head of a frame that promises 256 KB, and then most of them.
    const sent = Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 4, 0, 0, 1, 2, 3, 4]), Buffer.alloc(250_000)])
    Reflect.get(socket.raw, '_socket').write(sent)
    expect((await socket.closed).code).toBe(1009)
    expect(connection?.bytesRead).toBeLessThan(maxBytesBeforeAck + 3 * 65_536)
  })

  test('of more bytes closes the socket with 1009, whatever token it has', async () => {
    const socket = await port.socket()
    socket.send({ ...(await introduce()), padding: 'é'.repeat(maxBytesBeforeAck / 2) })
    expect(await socket.closed).toEqual({ code: 1009, reason: 'Message too big' })
  })

  test('that comes twice closes the socket with 4429', async () => {
    const socket = await ready()
    socket.send(await introduce())
    expect(await socket.closed).toEqual({ code: 4429, reason: 'Too many initialisation requests' })
  })

  test('that comes twice before the answer closes the socket with 4429', async () => {
    const socket = await port.socket()
    sendAtOnce(socket, await introduce(), await introduce())
    expect((await socket.closed).code).toBe(4429)
  })
})

describe('before the acknowledgement', () => {
  test('a subscribe closes the socket with 4401', async () => {
    const socket = await port.socket()
    socket.send(subscribe('1', twin))
    expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
  })

  test('a subscribe right after connection_init closes the socket with 4401', async () => {
    const socket = await port.socket()
    sendAtOnce(socket, await introduce(), subscribe('1', '{ __typename }'))
    expect((await socket.closed).code).toBe(4401)
  })

  test('a ping is answered', async () => {
    await expectNothing(await port.socket())
  })

  test('a complete is passed over', async () => {
    const socket = await port.socket()
    socket.send({ id: '1', type: 'complete' })
    await expectNothing(socket)
  })
})

describe('ping and pong', () => {
  test.each([
    ['with a payload comes back with it', { payload: { at: 1, deep: [{}] } }, { payload: { at: 1, deep: [{}] } }],
    ['without a payload comes back without one', {}, {}],
    ['with the payload null comes back without one', { payload: null }, {}],
  ])('a ping %s', async (_what, sent, answered) => {
    const socket = await ready()
    socket.send({ type: 'ping', ...sent })
    expect(await socket.next()).toEqual({ type: 'pong', ...answered })
  })

  test('a pong that nobody asked for is passed over', async () => {
    const socket = await ready()
    socket.send({ type: 'pong', payload: { alive: true } })
    await expectNothing(socket)
  })

  test('those of the WebSocket itself are answered too', async () => {
    const socket = await ready()
    const answered = new Promise((resolve) => socket.raw.once('pong', (data) => resolve(String(data))))
    socket.raw.ping('here?')
    expect(await answered).toBe('here?')
  })
})

describe('a message', () => {
  const valid = { query: '{ __typename }' }
  test.each<[string, unknown]>([
    ['that is no JSON', 'hello'],
    ['that is empty', ''],
    ['that is null', 'null'],
    ['that is a number', '1'],
    ['that is a list', '[]'],
    ['that is a text', '"subscribe"'],
    ['without a type', {}],
    ['with a type that is no text', { type: 1 }],
    ['of an unknown type', { type: 'start', id: '1', payload: valid }],
    ['of a type that objects have anyhow', { type: 'constructor' }],
    ['connection_init with a payload that is no object', { type: 'connection_init', payload: 'token' }],
    ['ping with a payload that is a list', { type: 'ping', payload: [] }],
    ['pong with a payload that is a number', { type: 'pong', payload: 1 }],
    ['subscribe without an id', { type: 'subscribe', payload: valid }],
    ['subscribe with an empty id', { type: 'subscribe', id: '', payload: valid }],
    ['subscribe with an id that is no text', { type: 'subscribe', id: 1, payload: valid }],
    ['subscribe without a payload', { type: 'subscribe', id: '1' }],
    ['subscribe with a payload that is null', { type: 'subscribe', id: '1', payload: null }],
    ['subscribe without a query', { type: 'subscribe', id: '1', payload: {} }],
    ['subscribe with a query that is no text', { type: 'subscribe', id: '1', payload: { query: {} } }],
    ['subscribe with variables that are a list', { type: 'subscribe', id: '1', payload: { ...valid, variables: [] } }],
    [
      'subscribe with variables that are a text',
      { type: 'subscribe', id: '1', payload: { ...valid, variables: '{}' } },
    ],
    ['subscribe with a name that is no text', { type: 'subscribe', id: '1', payload: { ...valid, operationName: 1 } }],
    [
      'subscribe with extensions that are a list',
      { type: 'subscribe', id: '1', payload: { ...valid, extensions: [] } },
    ],
    ['complete without an id', { type: 'complete' }],
    ['complete with an empty id', { type: 'complete', id: '' }],
    ['connection_ack, which the server sends', { type: 'connection_ack' }],
    ['next, which the server sends', { type: 'next', id: '1', payload: { data: {} } }],
    ['error, which the server sends', { type: 'error', id: '1', payload: [{ message: 'no' }] }],
  ])('%s closes the socket with 4400', async (_what, message) => {
    const socket = await following()
    socket.send(message)
    expect(await socket.closed).toEqual({ code: 4400, reason: 'Invalid message received' })
    await until(() => door.server.openStreams() === 0)
  })

  test('in a binary frame is read like one of text', async () => {
    const socket = await ready()
    socket.raw.send(Buffer.from(JSON.stringify(subscribe('1', '{ __typename }'))), { binary: true })
    expect(await socket.next()).toEqual({ id: '1', type: 'next', payload: { data: { __typename: 'Query' } } })
  })

  test('in a binary frame that is not UTF-8 closes the socket with 4400, and none of it becomes another text', async () => {
    const socket = await ready()
    const message = Buffer.from(JSON.stringify(subscribe('1', '{ __typename #X\n }')))
    message[message.indexOf('X')] = 0xff
    socket.raw.send(message, { binary: true })
    expect(await Promise.race([socket.next(), socket.closed])).toMatchObject({ code: 4400 })
  })

  test('in a binary frame that holds none closes the socket with 4400', async () => {
    const socket = await ready()
    socket.raw.send(Buffer.from([0, 1, 2, 255]), { binary: true })
    expect((await socket.closed).code).toBe(4400)
  })

  test('in pieces is put together', async () => {
    const socket = await ready()
    socket.raw.send('{"type":', { fin: false })
    socket.raw.send('"ping"}', { fin: true })
    expect(await socket.next()).toEqual({ type: 'pong' })
  })

  test('in very many pieces closes the socket with 1008', async () => {
    const socket = await ready()
    for (let piece = 0; piece <= 256; piece++) socket.raw.send(' ', { fin: false })
    expect((await socket.closed).code).toBe(1008)
  })

  test('that trickles in closes the socket with 1008', async () => {
    const socket = await ready()
    const header = Buffer.from([0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0])
    const [connection] = port.connections
    for (const byte of Buffer.concat([header, Buffer.alloc(5000)])) connection?.emit('data', Buffer.of(byte))
    expect((await socket.closed).code).toBe(1008)
  })

  test('of text that is no UTF-8 closes the socket with 1007', async () => {
    const socket = await ready()
    socket.raw.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false })
    expect((await socket.closed).code).toBe(1007)
  })

  test('of as many bytes as a request may have is taken', async () => {
    const socket = await ready()
    const message = (text: string) => subscribe('1', '{ __typename }', { variables: { unused: text } })
    socket.send(message('x'.repeat(maxBodyBytes - Buffer.byteLength(JSON.stringify(message(''))))))
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next' })
  })

  test.each([
    ['', (text: string) => [text]],
    [', in pieces too,', (text: string) => [text.slice(0, 1000), text.slice(1000)]],
  ])('of more bytes%s closes the socket with 1009', async (_what, cut) => {
    const socket = await ready()
    const pieces = cut(`"${'x'.repeat(maxBodyBytes - 1)}"`)
    for (const [index, piece] of pieces.entries()) socket.raw.send(piece, { fin: index === pieces.length - 1 })
    expect((await socket.closed).code).toBe(1009)
  })
})

describe('an operation', () => {
  test('that is a query has one next, then complete', async () => {
    const socket = await ready()
    socket.send(subscribe('q', '{ device(deviceId: "pump") { deviceId } }'))
    expect(await socket.next()).toEqual({
      id: 'q',
      type: 'next',
      payload: { data: { device: { deviceId: 'pump' } } },
    })
    expect(await socket.next()).toEqual({ id: 'q', type: 'complete' })
  })

  test('that is a mutation has one next, then complete, and has happened', async () => {
    await givenDevices(door.deps, 'few', 1)
    await givenMethodJob(door.deps, 'few', {}, { jobId: 'cancelled' })
    const socket = await ready()
    const mutation = 'mutation ($input: CancelJobInput!) { cancelJob(input: $input) { __typename } }'
    socket.send(subscribe('m', mutation, { variables: { input: { jobId: 'cancelled' } } }))
    expect(await socket.next()).toEqual({
      id: 'm',
      type: 'next',
      payload: { data: { cancelJob: { __typename: 'CancelJobPayload' } } },
    })
    expect(await socket.next()).toEqual({ id: 'm', type: 'complete' })
    expect((await jobRow(door.deps, 'cancelled')).status).toBe('cancelled')
  })

  test('that is a subscription has a next for each event, and complete when its source has ended', async () => {
    await givenDevices(door.deps, 'some', 1)
    const jobId = await givenMethodJob(door.deps, 'some')
    const socket = await ready()
    socket.send(subscribe('s', `subscription { deviceJobStatistics(jobId: "${jobId}") { job { status } } }`))
    const event = (status: string) => ({
      id: 's',
      type: 'next',
      payload: { data: { deviceJobStatistics: { job: { status } } } },
    })
    expect(await socket.next()).toEqual(event('QUEUED'))
    const cancel = `mutation { cancelJob(input: { jobId: "${jobId}" }) { __typename } }`
    await door.ask(cancel, {}, { authorization: await token() })
    clock.advance(jobEventInterval)
    expect(await socket.next()).toEqual(event('CANCELLED'))
    expect(await socket.next()).toEqual({ id: 's', type: 'complete' })
    await expectNothing(socket)
  })

  test('that is a subscription to nothing says so, then complete', async () => {
    const socket = await ready()
    socket.send(subscribe('1', 'subscription { twinUpdated(deviceId: "nobody") { version } }'))
    expect(await socket.next()).toMatchObject({
      id: '1',
      type: 'next',
      payload: { errors: [{ extensions: { code: 'NOT_FOUND' } }] },
    })
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
  })

  test('is chosen by its name', async () => {
    const socket = await ready()
    const query = 'query A { a: __typename } query B { b: __typename }'
    socket.send(subscribe('1', query, { operationName: 'B', variables: null, extensions: { client: 'test' } }))
    expect(await socket.next()).toMatchObject({ type: 'next', payload: { data: { b: 'Query' } } })
  })

  test.each([
    ['does not parse', '{', {}],
    ['does not fit the schema', '{ nothing }', {}],
    ['is not among those of the document', 'query A { __typename } query B { __typename }', { operationName: 'C' }],
    ['is not chosen', 'query A { __typename } query B { __typename }', {}],
    ['is none at all', 'fragment F on Query { __typename }', {}],
  ])('that %s ends with error, without complete, and its id is free', async (_what, query, rest) => {
    const socket = await following()
    socket.send(subscribe('2', query, rest))
    expect(await socket.next()).toEqual({
      id: '2',
      type: 'error',
      payload: [expect.objectContaining({ message: expect.any(String) })],
    })
    await expectNothing(socket)
    socket.send(subscribe('2', '{ __typename }'))
    expect(await socket.next()).toMatchObject({ id: '2', type: 'next' })
    expect(await socket.next()).toEqual({ id: '2', type: 'complete' })
    await change()
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next' })
  })

  test('whose field fails has a next with the error, then complete', async () => {
    const socket = await ready()
    socket.send(subscribe('1', '{ node(id: "nonsense") { id } }'))
    expect(await socket.next()).toMatchObject({
      id: '1',
      type: 'next',
      payload: { data: { node: null }, errors: [{ path: ['node'], extensions: { code: 'INVALID_ID' } }] },
    })
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
  })

  test('with variables that do not fit says so, and the socket stays open', async () => {
    const socket = await ready()
    socket.send(subscribe('1', 'query ($id: ID!) { node(id: $id) { id } }', { variables: { id: {} } }))
    expect(JSON.stringify(await socket.next())).toContain('$id')
    socket.send(subscribe('2', '{ __typename }'))
    for (;;) if ((await socket.next()).id === '2') break
  })

  test('does not wait for another', async () => {
    const socket = await ready()
    socket.send(subscribe('a', twin))
    socket.send(subscribe('b', twin))
    socket.send(subscribe('c', '{ __typename }'))
    const ids = new Set<unknown>()
    while (ids.size < 3) ids.add((await socket.next()).id)
    expect(ids).toEqual(new Set(['a', 'b', 'c']))
  })
})

describe('complete from the client', () => {
  test('ends the source, is not answered, and no event follows', async () => {
    const socket = await following()
    socket.send({ id: '1', type: 'complete' })
    await until(() => door.server.openStreams() === 0)
    await change()
    await expectNothing(socket)
  })

  test('ends a source in which nothing happens', async () => {
    const socket = await ready()
    socket.send(subscribe('1', silent))
    await until(() => door.server.openStreams() === 1)
    socket.send({ id: '1', type: 'complete' })
    await until(() => door.server.openStreams() === 0)
    await expectNothing(socket)
  })

  test('keeps the result of a query back', async () => {
    const socket = await ready()
    sendAtOnce(
      socket,
      subscribe('1', '{ devices(first: 1) { totalCount } }'),
      { id: '1', type: 'complete' },
      subscribe('2', '{ devices(first: 1) { totalCount } }'),
    )
    expect(await socket.next()).toMatchObject({ id: '2', type: 'next' })
    expect(await socket.next()).toEqual({ id: '2', type: 'complete' })
    await expectNothing(socket)
  })

  test('leaves the other operations', async () => {
    const socket = await following()
    socket.send(subscribe('2', twin))
    expect(await socket.next()).toMatchObject({ id: '2', type: 'next' })
    socket.send({ id: '1', type: 'complete' })
    await until(() => door.server.openStreams() === 1)
    await change()
    expect(await socket.next()).toMatchObject({ id: '2', type: 'next' })
    await expectNothing(socket)
  })

  test('for an operation that nobody knows, or that has ended, is passed over', async () => {
    const socket = await ready()
    socket.send({ id: 'unknown', type: 'complete' })
    socket.send(subscribe('1', '{ __typename }'))
    await socket.next()
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
    socket.send({ id: '1', type: 'complete' })
    socket.send({ id: '1', type: 'complete' })
    await expectNothing(socket)
  })
})

describe('an id', () => {
  test.each([
    ['a subscription', twin],
    ['a query', '{ devices(first: 1) { totalCount } }'],
  ])('that is in use by %s closes the socket with 4409', async (_what, query) => {
    const socket = await ready()
    sendAtOnce(socket, subscribe('1', query), subscribe('1', '{ __typename }'))
    expect(await socket.closed).toEqual({ code: 4409, reason: 'Subscriber for 1 already exists' })
    await until(() => door.server.openStreams() === 0)
  })

  test('that is in use closes the socket with 4409 also when it is too long to be told', async () => {
    const socket = await ready()
    sendAtOnce(socket, subscribe('é'.repeat(200), twin), subscribe('é'.repeat(200), twin))
    expect(await socket.closed).toEqual({ code: 4409, reason: '' })
  })

  test.each(['1', '__proto__', 'constructor', ' ', '\u0000', '😀'])('may be any text: %j', async (id) => {
    const socket = await ready()
    socket.send(subscribe(id, twin))
    expect(await socket.next()).toMatchObject({ id, type: 'next' })
    socket.send({ id, type: 'complete' })
    await until(() => door.server.openStreams() === 0)
  })

  test('is free when its operation has ended', async () => {
    const socket = await ready()
    for (let turn = 0; turn < 3; turn++) {
      socket.send(subscribe('1', '{ __typename }'))
      expect(await socket.next()).toMatchObject({ id: '1', type: 'next' })
      expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
    }
  })

  test('is free as soon as the client has completed its operation', async () => {
    const socket = await following()
    for (let turn = 0; turn < 3; turn++) {
      sendAtOnce(socket, { id: '1', type: 'complete' }, subscribe('1', twin))
      expect(await socket.next()).toMatchObject({ id: '1', type: 'next' })
      await expectNothing(socket)
    }
    await change()
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next' })
    expect(door.server.openStreams()).toBe(1)
  })

  test('may be given up again before its turn has come', async () => {
    const socket = await following()
    const end = { id: '1', type: 'complete' }
    sendAtOnce(socket, end, subscribe('1', twin), end, subscribe('1', '{ __typename }'))
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next', payload: { data: { __typename: 'Query' } } })
    expect(await socket.next()).toEqual(end)
    await expectNothing(socket)
  })

  test('may not be waited for twice: 4409', async () => {
    const socket = await following()
    sendAtOnce(socket, { id: '1', type: 'complete' }, subscribe('1', twin), subscribe('1', twin))
    expect((await socket.closed).code).toBe(4409)
  })
})

test('an operation over the limit of a socket is refused, and the socket stays open for the rest', async () => {
  const socket = await ready()
  for (let index = 0; index < maxOperationsPerSocket; index++) socket.send(subscribe(`s${index}`, silent))
  await until(() => door.server.openStreams() === maxOperationsPerSocket)
  socket.send(subscribe('last', '{ __typename }'))
  expect(await socket.next()).toMatchObject({
    id: 'last',
    type: 'error',
    payload: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'operations' } }],
  })
  socket.send({ id: 's0', type: 'complete' })
  await until(() => door.server.openStreams() === maxOperationsPerSocket - 1)
  socket.send(subscribe('last', '{ __typename }'))
  expect(await socket.next()).toMatchObject({ id: 'last', type: 'next' })
})

test.each([1000, 1001, 4999])('a client that closes the socket with %i ends its operations', async (code) => {
  const socket = await following()
  socket.raw.close(code)
  expect((await socket.closed).code).toBe(code)
  await until(() => door.server.openStreams() === 0)
})

test('a fault of the hub closes the socket with 4500, without telling why', async () => {
  const other = await openDoor({ anonymous: undefined })
  const otherPort = await openPort(other)
  const authorization = await other.token('iothubowner')
  await other.deps.db.close()
  const socket = await otherPort.socket()
  socket.send({ type: 'connection_init', payload: { authorization } })
  expect(await socket.closed).toEqual({ code: 4500, reason: 'Internal server error' })
  expect(other.logged).toMatchObject([{ msg: 'WebSocket message could not be handled' }])
  await otherPort.close()
  await other.server.close()
  await other.deps.database.drop()
})
