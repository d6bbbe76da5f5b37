import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { answerInvocation } from '../../src/method/call-commands.ts'
import { createTestClock } from '../support/clock.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { answer, dispatch, finish, start } from './facts.ts'
import { type BareSocket, type OpenPort, openPort, until } from './transport/sockets.ts'

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const notShown = expect.objectContaining({
  message: 'This value is not shown, because it is nested more than 256 levels deep.',
  extensions: { code: 'PAYLOAD_NOT_SHOWN' },
})

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ clock: createTestClock() })
  await givenDevices(door.deps, 'pump', 3)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'done' })
  await start(door.deps, 'done')
  const keys = ['pump-0001', 'pump-0002', 'pump-0003'].map((deviceId) => ({ jobId: 'done', deviceId }))
  await dispatch(door.deps, ...keys)
  await answer(door.deps, ...keys.map((key) => ({ ...key, response: { status: 200, payload: '{"ok":true}' } })))
  await finish(door.deps)
  // As a hub stored it that took answers of any depth.
  await door.deps.database.pool.query(
    "update device_job_outcome set response_payload = $1 where device_id = 'pump-0002'",
    [deep(20_000)],
  )
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const connect = async (): Promise<BareSocket> => {
  const socket = await port.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  return socket
}
const stillServes = async (socket: BareSocket): Promise<void> => {
  socket.send({ id: 'after', type: 'subscribe', payload: { query: '{ __typename }' } })
  expect(await socket.next()).toEqual({ id: 'after', type: 'next', payload: { data: { __typename: 'Query' } } })
}

const nodes = [
  { deviceId: 'pump-0001', outcome: { payload: { ok: true } } },
  { deviceId: 'pump-0002', outcome: { payload: null } },
  { deviceId: 'pump-0003', outcome: { payload: { ok: true } } },
]
const selection = 'deviceId outcome { payload }'
const ended = `subscription { deviceJobEnded(jobId: "done") { deviceJobs { ${selection} } } }`

describe('a stored answer that is nested too deep to be printed', () => {
  test('is an error at its place on a page, and the other rows are there', async () => {
    const { data, errors } = await door.ask(
      `{ job(jobId: "done") { deviceJobs(first: 3) { nodes { ${selection} } } } }`,
    )
    expect(data).toEqual({ job: { deviceJobs: { nodes } } })
    expect(errors).toEqual([notShown])
    expect(errors[0]?.path).toEqual(['job', 'deviceJobs', 'nodes', 1, 'outcome', 'payload'])
  })

  test('is an error at its place in an event by WebSocket, which the subscription outlives', async () => {
    const socket = await connect()
    socket.send({ id: '1', type: 'subscribe', payload: { query: ended } })
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: { data: { deviceJobEnded: { deviceJobs: nodes } }, errors: [notShown] },
    })
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
    await stillServes(socket)
  })

  test('is an error at its place in an event below statistics', async () => {
    const socket = await connect()
    const query = `subscription {
      deviceJobStatistics(jobId: "done") { job { deviceJobs(first: 3) { nodes { ${selection} } } } }
    }`
    socket.send({ id: '1', type: 'subscribe', payload: { query } })
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: { data: { deviceJobStatistics: { job: { deviceJobs: { nodes } } } }, errors: [notShown] },
    })
  })

  test('is an error at its place in an event by SSE, which the subscription outlives', async () => {
    const response = await door.server.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: ended }),
    })
    const events = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'))
    expect(events.map((line) => JSON.parse(line.slice(6)))).toEqual([
      { data: { deviceJobEnded: { deviceJobs: nodes } }, errors: [notShown] },
    ])
  })
})

test('an answer that is nested too deep is an error at its place in a result by WebSocket', async () => {
  const detach = door.deps.attached.attach('pump-0001', ({ deviceId, requestId }) => {
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: deep(20_000) } }),
    )
  })
  const socket = await connect()
  const query = `mutation {
    invokeDeviceMethod(input: { deviceId: "pump-0001", methodName: "m" }) { ... on InvokeDeviceMethodPayload { payload } }
  }`
  socket.send({ id: '1', type: 'subscribe', payload: { query } })
  expect(await socket.next()).toMatchObject({
    type: 'next',
    payload: { data: { invokeDeviceMethod: { payload: null } }, errors: [notShown] },
  })
  expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
  await stillServes(socket)
  detach()
})

describe('variables that are nested too deep', () => {
  const query = 'query ($jobId: String!) { job(jobId: $jobId) { jobId } }'
  const refusal = expect.objectContaining({
    message: 'The variables are nested more than 264 levels deep.',
    extensions: { code: 'LIMIT_EXCEEDED', limit: 'variablesDepth', maximum: 264 },
  })

  test.each([262, 20_000])('are refused over HTTP, %i levels', async (levels) => {
    const response = await door.server.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"jobId":"done","x":{"y":${deep(levels)}}}}`,
    })
    const { errors } = await response.json()
    if (levels > 262) expect({ status: response.status, errors }).toEqual({ status: 400, errors: [refusal] })
    else expect(errors).toBeUndefined()
  })

  test.each([query, ended])('are refused by WebSocket, and the socket stays: %s', async (text) => {
    const socket = await connect()
    socket.send(
      `{"id":"1","type":"subscribe","payload":{"query":${JSON.stringify(text)},"variables":{"jobId":${deep(20_000)}}}}`,
    )
    expect(await socket.next()).toEqual({ id: '1', type: 'error', payload: [refusal] })
    await stillServes(socket)
  })

  test('are refused too when they stand in the document', async () => {
    const { errors } = await door.ask(`mutation {
      invokeDeviceMethod(input: { deviceId: "pump-0001", methodName: "m", payload: ${deep(65)} }) {
        __typename ... on Error { message }
      }
    }`)
    expect(errors).toEqual([])
    const { errors: tokens } = await door.ask(`mutation {
      invokeDeviceMethod(input: { deviceId: "pump-0001", methodName: "m", payload: ${deep(20_000)} }) { __typename }
    }`)
    expect(tokens).toHaveLength(1)
  })
})

test('a message that would be echoed and is nested too deep ends its own socket only, and is no fault of the hub', async () => {
  const faults = door.logged.length
  const socket = await connect()
  socket.send(`{"type":"ping","payload":{"a":${deep(20_000)}}}`)
  expect(await socket.closed).toEqual({ code: 4400, reason: 'Message nested too deeply' })
  expect(door.logged).toHaveLength(faults)
})

describe('a document that is nested as deep as its tokens allow', () => {
  const call = (payload: string) =>
    `mutation { invokeDeviceMethod(input: { deviceId: "x", methodName: "m", payload: ${payload} }) { __typename } }`
  const objects = (levels: number): string => `${'{a:'.repeat(levels)}1${'}'.repeat(levels)}`

  test.each<readonly [string, string]>([
    ['arrays', call(deep(980))],
    ['arrays without end', call('['.repeat(1_970))],
    ['objects', call(objects(490))],
    ['selections', `${'{a'.repeat(660)}${'}'.repeat(660)}`],
    ['selections without end', '{a'.repeat(990)],
    ['types of variables', `query ($a: ${'['.repeat(980)}Int${']'.repeat(980)}) { __typename }`],
    ['inline fragments', `{${'...{'.repeat(650)}__typename${'}'.repeat(650)}}`],
    ['directives', `{ __typename ${`@skip(if: ${deep(3)}) `.repeat(150)} }`],
  ])('is answered, and is no fault of the hub: %s', async (_what, query) => {
    const faults = door.logged.length
    const { data, errors } = await door.ask(query)
    expect(JSON.stringify([data, errors])).not.toContain('INTERNAL_SERVER_ERROR')
    expect(door.logged.slice(faults)).toEqual([])
    const socket = await connect()
    socket.send({ id: '1', type: 'subscribe', payload: { query } })
    expect(await socket.next()).toHaveProperty('id', '1')
    socket.raw.terminate()
  })
})
