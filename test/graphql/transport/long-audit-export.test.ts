import { once } from 'node:events'
import * as http from 'node:http'
import { buffer } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createAuditExport } from '../../../src/graphql/transport/audit-export.ts'
import { openPort } from '../../../src/open-port.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { owner } from '../door.ts'

// An export that is longer than what fits between the hub and a client that does not read.

const entries = 100_000
/** Bytes of a page of 1,000 entries, at most. */
const page = 600_000

type Export = {
  /** Of the client, which has not read anything. */
  readonly answer: http.IncomingMessage
  /** Of the hub. */
  readonly response: http.ServerResponse
  readonly end: Promise<void>
}

let deps: TestDeps
let server: http.Server
let port = 0
/** When the token of the next export has been checked. */
let checked = Promise.resolve()
let mayContinue = true
const started: { response: http.ServerResponse; end: Promise<void> }[] = []
const query = vi.spyOn(pg.Client.prototype, 'query')

beforeAll(async () => {
  // One caller has room for one export at a time.
  deps = await createTestDeps(undefined, {}, { answersBytes: 64 * 1024 })
  await deps.database.pool.query(
    `insert into audit_entry (attempt, time, actor, actor_id, actor_kind, subject, operation, target, outcome, detail)
     select gen_random_uuid(), timestamptz '2026-01-01' + i * interval '1 ms', 'service', 'policy:service', 'policy',
            'service', 'updateTwin', 'pump-' || i, 'succeeded', jsonb_build_object('paths', array[repeat('x', 100)])
     from generate_series(1, ${entries}) i`,
  )
  const authenticate = async () => {
    await checked
    return owner
  }
  const exportAudit = createAuditExport(deps, authenticate, () => mayContinue)
  server = http.createServer((request, response) => {
    started.push({ response, end: exportAudit(request, response) })
  })
  port = (await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })).port
})
afterAll(async () => {
  query.mockRestore()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await deps.close()
})

afterEach(() => {
  mayContinue = true
})

/** How many pages were read so far. */
const pagesRead = (): number =>
  query.mock.calls.filter(([statement]) => String(Reflect.get(Object(statement), 'text')).includes('audit_entry'))
    .length

/** An export that waits, because its client does not read. */
async function givenWaitingExport(): Promise<Export> {
  query.mockClear()
  const [answer] = await once(http.get(`http://127.0.0.1:${port}/audit`), 'response')
  const running = started.at(-1)
  if (running === undefined) throw new Error('The export did not start.')
  await expect.poll(() => running.response.writableNeedDrain).toBe(true)
  return { answer, ...running }
}

test('an export waits for its client with no more than a page in memory, and is complete in the end', async () => {
  const { answer, response, end } = await givenWaitingExport()
  expect(pagesRead()).toBeLessThan(entries / 1_000)
  const waiting: number[] = [response.writableLength]
  response.on('drain', () => waiting.push(response.writableLength))

  let lines = 0
  for await (const chunk of answer) {
    waiting.push(response.writableLength)
    for (const byte of chunk) if (byte === 10) lines++
  }
  await end
  expect(lines).toBe(entries)
  // The last page is empty.
  expect(pagesRead()).toBe(entries / 1_000 + 1)
  expect(Math.max(...waiting)).toBeLessThan(page)
})

test('an export whose client leaves reads nothing more, and makes room for the next one', async () => {
  const { answer, end } = await givenWaitingExport()
  const next = once(http.get(`http://127.0.0.1:${port}/audit`), 'response')
  await expect.poll(() => deps.answerRoom.waiting()).toBe(1)
  answer.destroy()
  await end
  expect(pagesRead()).toBeLessThan(entries / 1_000)
  const [other] = await next
  other.destroy()
})

test('an export whose viewer may no longer read the audit breaks off', async () => {
  const { answer, end } = await givenWaitingExport()
  mayContinue = false
  await expect(buffer(answer)).rejects.toThrow('aborted')
  await end
  expect(pagesRead()).toBeLessThan(entries / 1_000)
})

test('an export whose client leaves while its token is checked ends', async () => {
  let letGo = (): void => {}
  checked = new Promise((resolve) => {
    letGo = resolve
  })
  const before = started.length
  const request = http.get(`http://127.0.0.1:${port}/audit`).on('error', () => {})
  await expect.poll(() => started.length).toBe(before + 1)
  const { response, end } = started.at(-1) ?? expect.fail()
  let isOver = false
  end.then(() => {
    isOver = true
  })
  const closed = once(response, 'close')
  request.destroy()
  await closed
  letGo()
  await expect.poll(() => isOver).toBe(true)
})
