import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { givenDevicesForSlowCondition, slowCondition, untilEnded, untilUnderWay } from '../support/slow-condition.ts'
import { openDoor, type TestDoor } from './door.ts'
import { start } from './facts.ts'
import { type OpenPort, openPort } from './transport/sockets.ts'

// What a client may choose so that it takes long, and what then becomes of everybody else.

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ anonymous: undefined, limits: { queryMs: 60_000, databaseStatement: 120_000 } })
  port = await openPort(door)
  await givenDevicesForSlowCondition(door.deps)
})
afterAll(async () => {
  await port.close()
  await door.close()
})

const aliases = Array.from({ length: 8 }, (_, n) => `a${n}: devices(queryCondition: $c, first: 1) { totalCount }`)
const eightTimes = { query: `query ($c: String!) { ${aliases.join(' ')} }`, variables: { c: slowCondition } }

/** Asks over a real connection. */
const ask = async (policy: string, body: object, signal?: AbortSignal) => {
  const response = await fetch(port.url.replace('ws:', 'http:'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await door.token(policy) },
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  })
  return await response.json()
}

const socketOf = async (policy: string) => {
  const socket = await port.socket()
  socket.send({ type: 'connection_init', payload: { authorization: await door.token(policy) } })
  expect(await socket.next()).toEqual({ type: 'connection_ack' })
  return socket
}

test('jobs that are counted and followed take turns like other reads, and end when the client hangs up', async () => {
  const { pool } = door.deps.database
  const client = await pool.connect()
  const gone = new AbortController()
  try {
    await client.query('begin; lock table job in access exclusive mode')
    const many = Array.from({ length: 8 }, (_, n) => `a${n}: jobs(first: 1) { totalCount }`)
    const slow = ask('service', { query: `{ ${many.join(' ')} }` }, gone.signal).catch(() => 'hung up')
    await untilUnderWay(door.deps)
    const socket = await socketOf('device')
    expect(socket.raw.readyState).toBe(socket.raw.OPEN)
    gone.abort()
    expect(await slow).toBe('hung up')
    await untilEnded(door.deps)
    const other = await socketOf('service')
    other.send({ id: 'followed', type: 'subscribe', payload: { query: 'subscription { jobUpdated { jobId } }' } })
    await untilUnderWay(door.deps)
    other.raw.terminate()
    await untilEnded(door.deps)
    socket.raw.terminate()
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test("one caller's eight slow queries leave others a turn, and end when the caller hangs up", async () => {
  const gone = new AbortController()
  const slow = ask('service', eightTimes, gone.signal).catch(() => 'hung up')
  await untilUnderWay(door.deps)
  const query = `{ devices(queryCondition: "deviceId = 'many-1'", first: 1) { totalCount nodes { deviceId } } }`
  expect(await ask('iothubowner', { query })).toEqual({
    data: { devices: { totalCount: 1, nodes: [{ deviceId: 'many-1' }] } },
  })
  await untilUnderWay(door.deps)
  gone.abort()
  expect(await slow).toBe('hung up')
  await untilEnded(door.deps)
  expect(await ask('service', { query })).toMatchObject({ data: { devices: { totalCount: 1 } } })
  expect(door.logged).toEqual([])
})

test('a page of all devices or jobs is read by an index, so it does not wait for slow queries of the same caller', async () => {
  const gone = new AbortController()
  const slow = ask('service', eightTimes, gone.signal).catch(() => 'hung up')
  await untilUnderWay(door.deps)
  const query =
    '{ devices(first: 2) { nodes { deviceId } pageInfo { hasNextPage } } jobs(first: 1) { nodes { jobId } } }'
  expect(await ask('service', { query })).toEqual({
    data: {
      devices: { nodes: [{ deviceId: 'many-1' }, { deviceId: 'many-10' }], pageInfo: { hasNextPage: true } },
      jobs: { nodes: [] },
    },
  })
  await untilUnderWay(door.deps)
  gone.abort()
  expect(await slow).toBe('hung up')
  await untilEnded(door.deps)
})

describe('over a WebSocket queries end', () => {
  test('when the client completes the operation, and no other one', async () => {
    const socket = await socketOf('service')
    socket.send({ id: 'slow', type: 'subscribe', payload: eightTimes })
    await untilUnderWay(door.deps)
    socket.send({ id: 'slow', type: 'complete' })
    await untilEnded(door.deps)
    socket.send({ id: 'quick', type: 'subscribe', payload: { query: '{ devices(first: 1) { totalCount } }' } })
    expect(await socket.next()).toMatchObject({ id: 'quick', payload: { data: { devices: { totalCount: 20_000 } } } })
    socket.raw.terminate()
  })

  test('when it hangs up', async () => {
    const socket = await socketOf('service')
    socket.send({ id: 'slow', type: 'subscribe', payload: eightTimes })
    await untilUnderWay(door.deps)
    socket.raw.terminate()
    await untilEnded(door.deps)
    expect(door.logged).toEqual([])
  })
})

describe('what takes too long is an error that says what to do', () => {
  let hurried: TestDoor
  beforeAll(async () => {
    hurried = await openDoor({ limits: { queryMs: 50 } })
    await givenDevices(hurried.deps, 'pump', 3)
    await givenMethodJob(hurried.deps, 'pump', {}, { jobId: 'job' })
    await start(hurried.deps, 'job')
  })
  afterAll(() => hurried.close())

  test.each([
    ['jobs', '{ jobs(first: 1, filter: { type: SCHEDULE_UPDATE_TWIN }) { nodes { jobId } } }'],
    ['their number', '{ jobs(first: 1) { totalCount } }'],
    ['devices', '{ devices(queryCondition: "tags.fleet = \'pump\'", first: 1) { nodes { deviceId } } }'],
    ['their number', '{ devices(queryCondition: "tags.fleet = \'pump\'", first: 1) { totalCount } }'],
    [
      'device jobs of a job',
      '{ job(jobId: "job") { deviceJobs(first: 1, filter: { queryCondition: "tags.a = 1" }) { nodes { status } } } }',
    ],
    [
      'their number',
      '{ job(jobId: "job") { deviceJobs(first: 1, filter: { queryCondition: "tags.a = 1" }) { totalCount } } }',
    ],
  ])('%s (%s)', async (_what, query) => {
    const client = await hurried.deps.database.pool.connect()
    try {
      // Whatever reads twins or jobs waits.
      await client.query(`begin; lock table ${query.includes('jobs(') ? 'job' : 'twin'} in access exclusive mode`)
      const { errors } = await hurried.ask(query)
      expect(errors).toMatchObject([
        {
          message:
            'The query takes more than 0.05 seconds. Narrow the condition, first with comparisons that few devices meet, or request less.',
          extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 1 },
        },
      ])
    } finally {
      await client.query('rollback')
      client.release()
    }
    // On a busy machine it may take longer now and then.
    await expect.poll(async () => (await hurried.ask(query)).errors).toEqual([])
  })
})

test('a page that takes too long fails alone, and the other fields of the request are answered', async () => {
  const hurried = await openDoor({ limits: { pageMs: 50 } })
  await givenDevices(hurried.deps, 'pump', 1)
  const client = await hurried.deps.database.pool.connect()
  try {
    await client.query('begin; lock table twin in access exclusive mode')
    const query = `{
      found: devices(queryCondition: "tags.fleet = 'pump'", first: 1) { nodes { deviceId } }
      devices(first: 1) { nodes { status } }
      jobs(first: 1) { totalCount nodes { jobId } }
    }`
    expect(await hurried.ask(query)).toMatchObject({
      status: 200,
      data: { found: null, devices: { nodes: [{ status: 'ENABLED' }] }, jobs: { totalCount: 0, nodes: [] } },
      errors: [
        {
          message: expect.stringContaining('more than 0.05 seconds. Narrow the condition'),
          path: ['found'],
          extensions: { code: 'LIMIT_EXCEEDED' },
        },
      ],
    })
  } finally {
    await client.query('rollback')
    client.release()
    await hurried.close()
  }
})

test('of more queries than may wait the last is an error at once, and the others are answered', async () => {
  const busy = await openDoor({ limits: { queriesWaiting: 1 } })
  const client = await busy.deps.database.pool.connect()
  try {
    await client.query('begin; lock table twin in access exclusive mode')
    const refused: unknown[] = []
    // The first is under way, alone for now, and one waits.
    const asked = [1, 2, 3].map(async () => {
      const { errors } = await busy.ask('{ devices(queryCondition: "tags.fleet = 1", first: 1) { totalCount } }')
      refused.push(...errors)
    })
    await expect.poll(() => refused).toHaveLength(1)
    await client.query('rollback')
    await Promise.all(asked)
    expect(refused).toMatchObject([
      {
        message: 'Too many of your queries are waiting. Send fewer queries at a time.',
        extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 1 },
      },
    ])
  } finally {
    client.release(true)
    await busy.close()
  }
})

test('documents of many rows take turns of their caller, and those of few do not', async () => {
  const askers: string[] = []
  const { db } = door.deps
  const spy = vi.spyOn(db, 'documentReads').mockImplementation((asker) => {
    askers.push(asker.caller)
    return db.reads
  })
  const read = (count: number) => ask('service', { query: `{ devices(first: ${count}) { nodes { twin { tags } } } }` })
  expect((await read(4)).data.devices.nodes).toHaveLength(4)
  expect(askers).toEqual([])
  expect((await read(5)).data.devices.nodes).toHaveLength(5)
  expect(askers).toEqual([expect.stringContaining('service at')])
  spy.mockRestore()
})
