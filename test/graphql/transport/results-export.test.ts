import * as http from 'node:http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { createGraphqlServer } from '../../../src/graphql/transport/server.ts'
import { createAnswerRoom } from '../../../src/limits/answer-room.ts'
import { defaultLimits } from '../../../src/limits/limits.ts'
import { openPort } from '../../../src/open-port.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { hubName, openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'

let door: TestDoor
let port: http.Server
let base: string
let jobId: string
/** A job with more bytes of answers than the kernel keeps for a connection. */
let large: string
const people = new Map([
  ['Bearer nobody', personWith({ rights: ['readDevices'], name: 'nobody' })],
  ['Bearer expired', { ...personWith({ rights: ['readJobs'], name: 'expired' }), expiry: 1 }],
  ['Bearer first', personWith({ rights: ['readJobs'], scope: scopeOf(["deviceId = 'pump-0001'"]), name: 'first' })],
])
/** More than two pages. */
const count = 1_100
beforeAll(async () => {
  door = await openDoor({ authenticate: async (authorization = '') => people.get(authorization) ?? owner })
  port = http.createServer(door.server.results.handle)
  base = `http://127.0.0.1:${(await openPort(port, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })).port}`
  await givenDevices(door.deps, 'pump', count)
  jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'reboot-43' })
  await start(door.deps, jobId)
  const keyOf = (number: number) => ({ jobId, deviceId: `pump-000${number}` })
  await dispatch(door.deps, keyOf(1), keyOf(2), keyOf(3))
  await answer(
    door.deps,
    { ...keyOf(1), response: { status: 200, payload: '{ "a":\r\n 1.0, "b": "x,\\"y\\"" }' } },
    { ...keyOf(2), response: { status: 500, payload: `"${'x'.repeat(100_000)}"` } },
    { ...keyOf(3), error: { code: 'GatewayTimeout', description: '=cmd()' } },
  )

  large = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, large)
  const keys = Array.from({ length: 60 }, (_, index) => ({
    jobId: large,
    deviceId: `pump-${String(index + 1).padStart(4, '0')}`,
  }))
  await dispatch(door.deps, ...keys)
  const payload = `"${'x'.repeat(120_000)}"`
  await answer(door.deps, ...keys.map((key) => ({ ...key, response: { status: 200, payload } })))
})
afterAll(async () => {
  port.closeAllConnections()
  await new Promise((resolve) => port.close(resolve))
  await door.close()
})

async function pathOf(id: string): Promise<string> {
  const { data } = await door.ask('query ($id: String!) { job(jobId: $id) { resultsUrl } }', { id })
  return (data.job as { readonly resultsUrl: string }).resultsUrl
}

async function textOf(query = '', headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${base}${await pathOf(jobId)}${query}`, { headers })
  expect(response.status).toBe(200)
  return response.text()
}

test('all device jobs are sent once, by device id, as lines of JSON', async () => {
  const lines = (await textOf()).trimEnd().split('\n')
  const rows = lines.map((line) => JSON.parse(line))
  expect(rows.map(({ deviceId }) => deviceId)).toEqual(
    Array.from({ length: count }, (_, index) => `pump-${String(index + 1).padStart(4, '0')}`),
  )
  const time = expect.stringMatching(/^\d{4}-.*Z$/)
  const ended = { startTime: time, endTime: time, errorCode: null, errorDescription: null }
  expect(rows[0]).toEqual({
    ...{
      deviceId: 'pump-0001',
      result: 'SUCCEEDED',
      status: 'COMPLETED',
      skipped: false,
      responseStatus: 200,
      ...ended,
    },
    payload: { a: 1, b: 'x,"y"' },
  })
  // As it was written, apart from line breaks.
  expect(lines[0]).toContain('"payload":{ "a":   1.0, ')
  expect(rows[1]).toMatchObject({ result: 'REFUSED', responseStatus: 500, payload: 'x'.repeat(100_000) })
  expect(rows[2]).toMatchObject({ result: 'FAILED', errorCode: 'GatewayTimeout', payload: null })
  expect(rows[3]).toMatchObject({ result: 'PENDING', status: 'PENDING', startTime: null, endTime: null })
})

test('CSV has a head, quotes what it has to, and no formulas', async () => {
  const text = await textOf('?format=csv')
  const [head, first] = text.split('\r\n')
  expect(head).toBe(
    'deviceId,result,status,skipped,startTime,endTime,responseStatus,errorCode,errorDescription,payload',
  )
  expect(first).toMatch(/^pump-0001,SUCCEEDED,COMPLETED,false,[^,]+Z,[^,]+Z,200,,,"\{ ""a"":$/)
  expect(text).toContain(",GatewayTimeout,'=cmd(),\r\n")
  expect(text.split('\r\npump-')).toHaveLength(count + 1)
})

test('pages end when their payloads are large, and nothing is missing', async () => {
  const response = await fetch(`${base}${await pathOf(large)}`)
  const lines = (await response.text()).trimEnd().split('\n')
  expect(lines).toHaveLength(count)
  expect(lines.filter((line) => line.length > 120_000)).toHaveLength(60)
})

test('an export takes room of its caller until it has been sent or its client has gone, and the next one waits for it', async () => {
  const limits = { ...defaultLimits, answersBytes: 64 * 1024 }
  const { longTurns } = door.deps
  const answerRoom = createAnswerRoom({ clock: systemClock, limits, longTurns })
  const server = createGraphqlServer({ ...door.deps, answerRoom }, { hostNames: [hubName], anonymous: owner })
  const narrow = http.createServer(server.results.handle)
  const { port: number } = await openPort(narrow, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  const path = await pathOf(large)
  const open = (): Promise<http.IncomingMessage> =>
    new Promise((resolve) => http.get({ port: number, path, agent: false }, resolve).on('error', () => {}))
  for (const end of ['destroy', 'resume'] as const) {
    const unread = await open()
    const next = open()
    await expect.poll(() => answerRoom.waiting()).toBe(1)
    unread[end]()
    const read = await next
    expect([read.statusCode, answerRoom.waiting()]).toEqual([200, 0])
    read.destroy()
  }
  narrow.closeAllConnections()
  await new Promise((resolve) => narrow.close(resolve))
  await server.close()
})

test('each page of an export is passed with its bytes', async () => {
  const { answerRoom } = door.deps
  const { enter } = answerRoom
  const passed: number[] = []
  const spy = vi.spyOn(answerRoom, 'enter').mockImplementation(async (...asked) => {
    const hold = await enter(...asked)
    const pass = (bytes: number) => {
      passed.push(bytes)
      return hold.pass(bytes)
    }
    return { ...hold, pass }
  })
  const text = await (await fetch(`${base}${await pathOf(large)}`)).text()
  spy.mockRestore()
  expect(passed.length).toBeGreaterThan(1)
  expect(passed.reduce((sum, bytes) => sum + bytes, 0)).toBe(Buffer.byteLength(text))
})

test('a viewer with a scope gets the device jobs of its devices', async () => {
  const lines = (await textOf('', { authorization: 'Bearer first' })).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).deviceId)).toEqual(['pump-0001'])
})

test('an export is not continued with a token that has expired meanwhile', async () => {
  const response = await fetch(`${base}${await pathOf(jobId)}`, { headers: { authorization: 'Bearer expired' } })
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
})

describe('an export is refused', () => {
  test.each([
    ['with another format', `/results/x?format=xml`, {}, 400, 'INVALID_INPUT'],
    ['with an unknown parameter', `/results/x?status=FAILED`, {}, 400, 'INVALID_INPUT'],
    ['for an unknown job', '/results/no-such-job', {}, 404, 'NOT_FOUND'],
    ['for a path that is not valid', '/results/%E0%A4', {}, 404, 'NOT_FOUND'],
    ['without the right to read jobs', '/results/x', { authorization: 'Bearer nobody' }, 403, 'FORBIDDEN'],
  ])('%s', async (_name, path, headers, status, code) => {
    const response = await fetch(`${base}${path}`, { headers })
    const { errors } = await response.json()
    expect([response.status, errors[0].extensions.code]).toEqual([status, code])
  })
})
