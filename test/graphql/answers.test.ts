import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reportProperties } from '../../src/twin/commands.ts'
import { givenDevices, givenMethodJob, givenTwinJob } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { answer, countStatements, dispatch, start } from './facts.ts'
import { openPort } from './transport/sockets.ts'

const kb = 1024

let door: TestDoor
let roomy: TestDoor
beforeAll(async () => {
  door = await openDoor({ limits: { answerBytes: 64 * kb } })
  await givenDevices(door.deps, 'pump', 20)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'read' })
  await start(door.deps, 'read')
  const targets = Array.from({ length: 20 }, (_, index) => ({
    jobId: 'read',
    deviceId: `pump-${String(index + 1).padStart(4, '0')}`,
  }))
  await dispatch(door.deps, ...targets)
  const payload = JSON.stringify({ text: 'p'.repeat(5000) }, null, 2).replace('{', '{\n  "huge": 1e999,')
  await answer(door.deps, ...targets.map((target) => ({ ...target, response: { status: 200, payload } })))

  const { pool } = door.deps.database
  // 5 KB each, and metadata of 50 KB.
  await pool.query(`
    update twin set
      tags = jsonb_build_object('note', repeat('n', 5000)),
      reported_metadata = jsonb_build_object('m', repeat('m', 50000))`)

  await Promise.all(
    Array.from({ length: 20 }, (_, index) => givenTwinJob(door.deps, 'pump', { jobId: `patch-${index}` })),
  )
  await pool.query(`
    update job set
      request = json_build_object('tags', json_build_object('note', repeat('q', 5000))), description = repeat('d', 5000)
    where type = 'scheduleUpdateTwin'`)

  roomy = await openDoor()
  await givenDevices(roomy.deps, 'full', 100)
})
afterAll(() => Promise.all([door.close(), roomy.close()]))

const devices = (first: number, fields: string): string =>
  `{ devices(first: ${first}) { nodes { twin { ${fields} } } } }`
const payloads = (first: number, fields: string): string =>
  `{ job(jobId: "read") { deviceJobs(first: ${first}) { nodes { outcome { status ${fields} } } } } }`

const jobs = (first: number, fields: string): string =>
  `{ jobs(first: ${first}, filter: { jobIdPrefix: "patch" }) { nodes { jobId ${fields} } } }`

const tooLarge = {
  message: expect.stringContaining('Request fewer rows per page, or fewer fields.'),
  extensions: { code: 'LIMIT_EXCEEDED', limit: 'answerBytes', maximum: 64 * kb },
}

describe('an answer of more bytes than it may have is an error LIMIT_EXCEEDED', () => {
  test.each([
    ['twins', devices(20, 'tags')],
    ['metadata', devices(2, 'properties { reported { metadata } }')],
    ['what devices answered', payloads(20, 'payload')],
    ['what jobs do', jobs(20, 'updateTwin')],
    ['a document under many names', devices(2, Array.from({ length: 9 }, (_, n) => `a${n}: tags`).join(' '))],
    ['a text under many names', jobs(20, Array.from({ length: 9 }, (_, n) => `a${n}: description`).join(' '))],
    ['a patch under many names', jobs(2, Array.from({ length: 9 }, (_, n) => `a${n}: updateTwin`).join(' '))],
    ['an answer under many names', payloads(2, Array.from({ length: 9 }, (_, n) => `a${n}: payload`).join(' '))],
  ])('%s', async (_, query) => {
    const { data, errors } = await door.ask(query)
    expect(errors[0]).toMatchObject(tooLarge)
    expect(JSON.stringify(data ?? null)).not.toMatch(/nnn|mmm|ppp|qqq|ddd/)
    expect(door.logged).toEqual([])
  })
})

test('an event of more bytes than it may have is an error, and the subscription goes on', async () => {
  const port = await openPort(door)
  try {
    const socket = await port.socket()
    socket.send({ type: 'connection_init' })
    await socket.next()
    const names = Array.from({ length: 14 }, (_, n) => `a${n}: tags`).join(' ')
    const query = `subscription { twinUpdated(deviceId: "pump-0001") { version ${names} } }`
    socket.send({ id: '1', type: 'subscribe', payload: { query } })
    expect(await socket.next()).toMatchObject({ type: 'next', payload: { errors: [tooLarge] } })
    await reportProperties(door.deps, 'pump-0001', { speed: 1 })
    expect(await socket.next()).toMatchObject({ type: 'next', payload: { errors: [tooLarge] } })
    socket.send({ id: '2', type: 'subscribe', payload: { query: devices(2, names) } })
    expect(await socket.next()).toMatchObject({ id: '2', type: 'next', payload: { errors: [tooLarge] } })
  } finally {
    await port.close()
  }
})

test.each([
  ['fewer rows', devices(10, 'tags')],
  ['fewer fields', devices(20, 'version properties { reported { value version } }')],
  ['fewer answers', payloads(10, 'payload')],
  ['fewer jobs', jobs(10, 'updateTwin')],
  ['jobs without what they do', jobs(20, 'status cloudToDeviceMethod { methodName }')],
  ['their statuses only', payloads(20, '')],
])('%s are answered', async (_, query) => {
  const { errors } = await door.ask(query)
  expect(errors).toEqual([])
})

test('what is asked for under two names is read once', async () => {
  const statements = await countStatements(() => door.ask(devices(2, 'a: tags b: tags')))
  expect(statements).toBe(await countStatements(() => door.ask(devices(2, 'tags'))))
})

test('metadata is read when somebody asks for it, also in a fragment, and never else', async () => {
  const query = `{ devices(first: 1) { nodes { twin { ...Properties } } } }
    fragment Properties on Twin { properties { reported { ...Section ...Section } } }
    fragment Section on TwinSection { metadata ... { version } }`
  const { data } = await door.ask(query)
  expect(JSON.stringify(data)).toContain('mmm')
})

test('what a device answered is passed on as it wrote it, on one line', async () => {
  const response = await door.server.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: payloads(1, 'payload') }),
  })
  const text = await response.text()
  expect(text).toContain('"payload":{   "huge": 1e999,   "text": "ppp')
  expect(text).not.toContain('\n')
})

test('100 full twins fit into the default, or 50 with ordinary metadata', async () => {
  const { pool } = roomy.deps.database
  // 8 KB of tags, and twice 32 KB in 330 properties.
  await pool.query(`
    update twin set
      tags = (select jsonb_object_agg('tag' || n, repeat('t', 70)) from generate_series(1, 105) n),
      desired = value, reported = value, desired_metadata = metadata, reported_metadata = metadata
    from (
      select jsonb_object_agg('property' || n, repeat('p', 88)) as value,
             jsonb_object_agg('property' || n, jsonb_build_object(
               '$lastUpdated', '2026-03-01T06:30:00.000Z', '$lastUpdatedVersion', n)) as metadata
      from generate_series(1, 330) n
    ) section`)
  const twins = (count: number, section: string): string =>
    devices(count, `version etag tags properties { desired ${section} reported ${section} }`)
  const { data, errors } = await roomy.ask(twins(100, '{ value version }'))
  expect(errors).toEqual([])
  expect(JSON.stringify(data).length).toBeGreaterThan(7_200 * kb)
  expect((await roomy.ask(twins(50, '{ value metadata version }'))).errors).toEqual([])
})
