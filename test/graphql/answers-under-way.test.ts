import * as http from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { everything } from '../../src/scope.ts'
import { patchTwin } from '../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { type OpenPort, openPort, until } from './transport/sockets.ts'

// Answers that are not read, of 15 twins of half a megabyte: more than the kernel keeps for a connection. There is room
// for one of a caller at a time. The twin of the whale is as large as one of them.

let clock: TestClock
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, anonymous: undefined, limits: { answersBytes: 8 * 1024 * 1024 } })
  await givenDevices(door.deps, 'pump', 15)
  await door.deps.database.pool.query(`update twin set reported = jsonb_build_object('text', repeat('t', 500000))`)
  await givenDevices(door.deps, 'whale', 1)
  await door.deps.database.pool.query(
    `update twin set reported = jsonb_build_object('text', repeat('t', 7500000)) where device_id = 'whale-0001'`,
  )
})
afterAll(() => door.close())
beforeEach(async () => {
  // What may be used at once has come back.
  clock.advance(100_000)
  port = await openPort(door)
})
afterEach(() => port.close())

const large = '{ devices(first: 15) { nodes { deviceId twin { properties { reported { value } } } } } }'
const small = '{ devices(first: 1) { nodes { twin { tags } } } }'
const plain = '{ devices(first: 1) { nodes { deviceId } } }'

/** Asks by HTTP. The answer has begun to come, and is not read. */
async function askUnread(policy: string, query = large, accept = 'application/json'): Promise<http.IncomingMessage> {
  const authorization = await door.token(policy)
  const headers = { 'content-type': 'application/json', accept, authorization }
  const request = http.request(port.url.replace('ws:', 'http:'), { method: 'POST', headers })
  request.on('error', () => {})
  request.end(JSON.stringify({ query }))
  return new Promise((resolve) => request.once('response', resolve))
}
const ask = async (policy: string, query: string) => {
  const response = await fetch(port.url.replace('ws:', 'http:'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await door.token(policy) },
    body: JSON.stringify({ query }),
  })
  return await response.json()
}
const socketOf = async (policy: string) => {
  const socket = await port.socket({ headers: { authorization: await door.token(policy) } })
  socket.send({ type: 'connection_init' })
  await socket.next()
  return socket
}
const waiting = (): number => port.connections.at(-1)?.writableLength ?? 0

/** A caller with an unread answer waits with the next one until `end` has made the first leave. */
async function expectTurns(end: () => void): Promise<void> {
  const told: string[] = []
  const next = ask('service', small).then((answer) => {
    told.push('next')
    return answer
  })
  // What holds no documents, and other callers, need not wait.
  expect(await ask('service', plain)).toMatchObject({ data: {} })
  expect(await ask('iothubowner', small)).toMatchObject({ data: { devices: { nodes: [{ twin: {} }] } } })
  expect(told).toEqual([])
  end()
  expect(await next).toMatchObject({ data: { devices: { nodes: [{ twin: {} }] } } })
}

test('by HTTP the next answer of a caller waits until the one that is not read has left, or its client', async () => {
  const unread = await askUnread('service')
  await expectTurns(() => unread.destroy())
  const read = await askUnread('service')
  await expectTurns(() => read.resume())
})

test('by WebSocket, too', async () => {
  for (const end of ['terminate', 'resume'] as const) {
    const socket = await socketOf('service')
    socket.raw.pause()
    socket.send({ id: 'unread', type: 'subscribe', payload: { query: large } })
    await until(() => waiting() > 0)
    await expectTurns(() => socket.raw[end]())
  }
})

const whale = 'subscription { twinUpdated(deviceId: "whale-0001") { properties { reported { value } } } }'

test('an event of a subscription counts until it has left, by WebSocket', async () => {
  for (const end of ['terminate', 'resume'] as const) {
    const socket = await socketOf('service')
    socket.raw.pause()
    socket.send({ id: 'unread', type: 'subscribe', payload: { query: whale } })
    await until(() => waiting() > 0)
    await expectTurns(() => socket.raw[end]())
    socket.raw.terminate()
  }
})

test('an event of a subscription counts until it has left, as a server-sent event', async () => {
  const unread = await askUnread('service', whale, 'text/event-stream')
  await until(() => waiting() > 0)
  await expectTurns(() => unread.destroy())
})

test('the first twin of a subscription, and each later one, waits for room, and is not refused', async () => {
  const socket = await socketOf('service')
  const query = 'subscription ($id: String!) { twinUpdated(deviceId: $id) { version tags } }'
  const follow = (deviceId: string) =>
    socket.send({ id: deviceId, type: 'subscribe', payload: { query, variables: { id: deviceId } } })
  follow('pump-0002')
  const received: unknown[] = []
  const take = async () => {
    const message = await socket.next()
    received.push(message.id)
    return message
  }
  expect(await take()).toMatchObject({ type: 'next', id: 'pump-0002' })

  const unread = await askUnread('service')
  follow('pump-0003')
  await patchTwin(door.deps, everything, { deviceId: 'pump-0002', patch: { tags: { site: 'north' } }, ifMatch: '*' })
  const both = take().then(async (first) => [first, await take()])
  expect(await ask('service', plain)).toMatchObject({ data: {} })
  expect(received).toEqual(['pump-0002'])
  unread.destroy()
  expect((await both).map(({ id, type }) => `${id} ${type}`).sort()).toEqual(['pump-0002 next', 'pump-0003 next'])
  socket.raw.terminate()
})

test('who waits too long for a turn is told to come again', async () => {
  const unread = await askUnread('service')
  const next = ask('service', small)
  await ask('service', plain)
  let answer: Record<string, unknown> | undefined
  void next.then((value) => {
    answer = value
  })
  await until(() => {
    clock.advance(1_000)
    return answer !== undefined
  })
  expect(answer).toMatchObject({ errors: [{ extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 1 } }] })
  unread.destroy()
})

const ways = {
  'an answer by HTTP': async () => (await askUnread('service')).destroy(),
  'an answer by WebSocket': () => firstMessage(large),
  'an event of a subscription': () => firstMessage(whale),
}
async function firstMessage(query: string): Promise<unknown> {
  const socket = await socketOf('service')
  socket.send({ id: 'first', type: 'subscribe', payload: { query } })
  return await socket.next()
}

test.each(Object.entries(ways))('%s is passed with its bytes, and is sent after that', async (_way, send) => {
  const { answerRoom } = door.deps
  const { enter } = answerRoom
  const passed: number[] = []
  let letPass = (): void => {}
  const gate = new Promise<void>((resolve) => {
    letPass = resolve
  })
  const spy = vi.spyOn(answerRoom, 'enter').mockImplementation(async (...asked) => {
    const pass = (bytes: number) => {
      passed.push(bytes)
      return gate
    }
    return { ...(await enter(...asked)), pass }
  })
  let isSent = false
  const sent = send().then(() => {
    isSent = true
  })
  await until(() => passed.length > 0)
  spy.mockRestore()
  for (let round = 0; round < 20; round++) expect(await ask('iothubowner', plain)).toMatchObject({ data: {} })
  expect(isSent).toBe(false)
  letPass()
  await sent
  expect(Math.min(...passed)).toBeGreaterThan(7_000_000)
})

test('the data of a large answer is read, and its bytes are made, in turns of its caller', async () => {
  let turns = 0
  const giveWay = () => {
    turns++
    return clock.giveWay()
  }
  const turnsOf = vi.spyOn(door.deps.answerRoom, 'turnsOf').mockImplementation(() => ({ giveWay }))
  expect(await ask('service', large)).toMatchObject({ data: {} })
  // Of 256 KB there are 28 in the answer. Its data is read in turns of half as much.
  expect(turns).toBeGreaterThan(50)
  const callers = new Set(turnsOf.mock.calls.map(([caller]) => caller))
  turnsOf.mockRestore()
  expect([...callers]).toEqual([expect.stringMatching(/service.* at /)])
})
