import * as http from 'node:http'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { expiryToleranceInSeconds } from '../../../src/access/sas.ts'
import { cancelJob } from '../../../src/job/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenMethodJob, jobRow, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort, until } from './sockets.ts'

let clock: TestClock
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, anonymous: undefined })
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

// A message of about a megabyte: few of them fill what the kernel keeps for a connection that nobody reads.
const payloadLength = 40_000
const oneMegabyte = 1_100_000
const query = `subscription ($jobId: String!) {
  deviceJobStatistics(jobId: $jobId) {
    version
    job { status ${Array.from({ length: 25 }, (_, index) => `c${index}: queryCondition`).join(' ')} }
  }
}`

let count = 0
/** A job whose condition is longer than any that would be taken. */
async function givenLongJob(): Promise<string> {
  const jobId = await givenMethodJob(door.deps, 'nobody', {}, { jobId: `slow-${++count}` })
  const long = "update job set query_condition = repeat('x', $2) where id = $1"
  await door.deps.database.pool.query(long, [jobId, payloadLength])
  return jobId
}

/** Counts the reads of jobs' conditions, which nobody does but the subscription. */
const countReads = () => {
  const reads = vi.spyOn(pg.Client.prototype, 'query')
  return () => reads.mock.calls.filter(([statement]) => JSON.stringify(statement).includes('query_condition')).length
}
afterEach(() => vi.restoreAllMocks())

const change = async (jobId: string) => {
  await door.deps.database.pool.query('update job set version = version + 1 where id = $1', [jobId])
  door.deps.events.publish('job', jobId, { jobId })
}

/** Changes the job until nothing of it is read any more, for nobody reads at the other end. Answers how often. */
async function changeUntilUnread(jobId: string, reads: () => number): Promise<number> {
  const connection = port.connections.at(-1)
  for (let changes = 1; ; changes++) {
    const before = reads()
    await change(jobId)
    // Either it is read, or what was read before it still waits here.
    await until(() => reads() > before || (connection?.writableLength ?? 0) > 0)
    if (reads() === before) return changes
  }
}

/** Makes changes that nobody can be told of, and looks what that costs. */
async function expectNoReads(jobId: string, reads: () => number): Promise<void> {
  // The system may take some more of what waits, until the buffers of the connection are as large as they get.
  for (let round = 1; ; round++) {
    const before = reads()
    for (let turn = 0; turn < 200; turn++) await change(jobId)
    if (reads() === before) break
    expect(round).toBeLessThan(10)
  }
  expect(port.connections.at(-1)?.writableLength).toBeLessThan(3 * oneMegabyte)
}

test('a WebSocket that is not read costs no reads and a bounded buffer, and still gets the end', async () => {
  const jobId = await givenLongJob()
  const reads = countReads()
  const socket = await port.socket({ headers: { authorization: await door.token('service') } })
  socket.send({ type: 'connection_init' })
  await socket.next()
  socket.send({ id: '1', type: 'subscribe', payload: { query, variables: { jobId } } })
  await socket.next()
  socket.raw.pause()
  const changes = await changeUntilUnread(jobId, reads)
  await expectNoReads(jobId, reads)
  await cancelJob(door.deps, tester, jobId)
  socket.raw.resume()
  const messages = [await socket.next()]
  while (messages.at(-1)?.type === 'next') messages.push(await socket.next())
  expect(messages.pop()).toEqual({ id: '1', type: 'complete' })
  const last = Object(messages.at(-1)?.payload).data.deviceJobStatistics
  expect(last).toMatchObject({ version: (await jobRow(door.deps, jobId)).version, job: { status: 'CANCELLED' } })
  expect(messages.length).toBeLessThan(changes + 10)
})

/** Subscribes over HTTP; what it says is read when the response is. */
async function subscribeByHttp(
  variables: Record<string, unknown>,
  authorization: string,
): Promise<http.IncomingMessage> {
  const request = http.request(port.url.replace('ws', 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization },
  })
  request.end(JSON.stringify({ query, variables }))
  return new Promise((resolve, reject) => request.once('response', resolve).once('error', reject))
}

async function readEvents(response: http.IncomingMessage): Promise<string[]> {
  let text = ''
  for await (const chunk of response) text += chunk
  return text.split('\n\n').filter((event) => event.startsWith('event:'))
}

test('a stream of server-sent events that is not read costs no more, and still gets the end', async () => {
  const jobId = await givenLongJob()
  const reads = countReads()
  const response = await subscribeByHttp({ jobId }, await door.token('service'))
  await until(() => door.server.openStreams() === 1)
  const changes = await changeUntilUnread(jobId, reads)
  await expectNoReads(jobId, reads)
  await cancelJob(door.deps, tester, jobId)
  const events = await readEvents(response)
  expect(events.pop()).toBe('event: complete\ndata:')
  const last = JSON.parse(events.at(-1)?.split('data: ')[1]?.split('\n')[0] ?? '').data.deviceJobStatistics
  expect(last).toMatchObject({ version: (await jobRow(door.deps, jobId)).version, job: { status: 'CANCELLED' } })
  expect(events.length).toBeLessThan(changes + 10)
})

test('a stream of server-sent events says that its token has expired: completion alone would mean that the job has ended', async () => {
  const jobId = await givenLongJob()
  const expiry = Math.floor(clock.now().getTime() / 1000) + 60
  const response = await subscribeByHttp({ jobId }, await door.token('service', { expiry }))
  await until(() => door.server.openStreams() === 1)
  clock.advance((60 + expiryToleranceInSeconds) * 1000)
  const events = await readEvents(response)
  expect(events).toHaveLength(3)
  expect(events[1]).toMatch(/^event: next\ndata: {"errors":\[{"message":.*"extensions":{"code":"CUT_OFF"}}\]}$/)
  expect(events[2]).toBe('event: complete\ndata:')
})

test('a stream of server-sent events says that the hub could not read on', async () => {
  const jobId = await givenLongJob()
  const response = await subscribeByHttp({ jobId }, await door.token('service'))
  await until(() => door.server.openStreams() === 1)
  const { pool } = door.deps.database
  await pool.query('alter table job rename to away')
  door.deps.events.publish('job', jobId, { jobId })
  const events = await readEvents(response)
  await pool.query('alter table away rename to job')
  expect(events[1]).toContain('"code":"INTERNAL_SERVER_ERROR"')
  expect(events[2]).toBe('event: complete\ndata:')
})

test('a stream of server-sent events that is not read leaves nothing behind when its client goes', async () => {
  const jobId = await givenLongJob()
  const reads = countReads()
  const response = await subscribeByHttp({ jobId }, await door.token('service'))
  await until(() => door.server.openStreams() === 1)
  await changeUntilUnread(jobId, reads)
  response.destroy()
  await expect.poll(() => door.server.openStreams()).toBe(0)
  const before = reads()
  await change(jobId)
  expect(reads()).toBe(before)
})
