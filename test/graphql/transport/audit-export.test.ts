import * as http from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPort } from '../../../src/open-port.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'

let door: TestDoor
let port: http.Server
let url: string
const people = new Map([
  ['Bearer reader', personWith({ rights: ['readDevices'], name: 'reader' })],
  ['Bearer north', personWith({ rights: ['auditRead'], scope: scopeOf(["tags.site = 'north'"]), name: 'north' })],
])
beforeAll(async () => {
  door = await openDoor({ authenticate: async (authorization = '') => people.get(authorization) ?? owner })
  port = http.createServer(door.server.audit.handle)
  url = `http://127.0.0.1:${(await openPort(port, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })).port}/audit`
  // Some of the same millisecond, so that pages end among equal times.
  await door.deps.database.pool.query(
    `insert into audit_entry (attempt, time, actor, actor_id, actor_kind, subject, operation, target, outcome, detail)
     select gen_random_uuid(), timestamptz '2026-01-01' + i / 7 * interval '1 ms', 'service', 'policy:service', 'policy', 'service',
            case when i % 2 = 0 then 'updateTwin' else 'deleteDevice' end, 'pump-' || i, 'succeeded', '{"a": 1}'
     from generate_series(1, 2500) i`,
  )
})
afterAll(async () => {
  port.closeAllConnections()
  await new Promise((resolve) => port.close(resolve))
  await door.close()
})

const linesOf = async (query: string): Promise<{ target: string; time: string; operation: string }[]> => {
  const response = await fetch(`${url}${query}`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
  const text = await response.text()
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
}

test('all entries are sent once, the newest first', async () => {
  const lines = await linesOf('')
  expect(lines.map(({ target }) => target)).toEqual(
    Array.from({ length: 2_500 }, (_, index) => `pump-${2_500 - index}`),
  )
  expect(lines[0]).toEqual({
    id: '2500',
    time: '2026-01-01T00:00:00.357Z',
    actor: 'service',
    kind: 'POLICY',
    issuer: null,
    subject: 'service',
    operation: 'updateTwin',
    target: 'pump-2500',
    address: null,
    outcome: 'SUCCEEDED',
    code: null,
    detail: { a: 1 },
  })
})

test('time, actor, operation, target and outcome select entries', async () => {
  expect(await linesOf('?from=2026-01-01T00:00:00.357Z')).toHaveLength(2)
  expect(await linesOf('?to=2026-01-01T00:00:00Z')).toEqual([])
  expect(await linesOf('?actor=anna')).toEqual([])
  const some = await linesOf('?actor=service&operation=deleteDevice')
  expect(some).toHaveLength(1_250)
  expect(await linesOf('?operation=deleteDevice&operation=updateTwin')).toHaveLength(2_500)
  expect(await linesOf('?target=pump-7')).toEqual([expect.objectContaining({ target: 'pump-7' })])
  expect(await linesOf('?outcome=DENIED')).toEqual([])
  expect(await linesOf('?outcome=SUCCEEDED&outcome=FAILED&target=pump-8')).toHaveLength(1)
})

describe('an export is refused', () => {
  test.each([
    ['with a time that is not valid', '?from=yesterday', {}, 400, 'INVALID_INPUT'],
    ['with a range that ends before it begins', '?from=2026-01-02&to=2026-01-01', {}, 400, 'INVALID_INPUT'],
    ['with an unknown outcome', '?outcome=succeeded', {}, 400, 'INVALID_INPUT'],
    ['with an unknown parameter', '?form=2026-01-02', {}, 400, 'INVALID_INPUT'],
    ['with text that is not UTF-8', '?target=pump-%FF', {}, 400, 'INVALID_INPUT'],
    ['with an encoding that is none', '?target=pump-%', {}, 400, 'INVALID_INPUT'],
    ['with U+0000', '?target=pump-%00', {}, 400, 'INVALID_INPUT'],
    ['without the right', '', { authorization: 'Bearer reader' }, 403, 'FORBIDDEN'],
    ['to a viewer with a scope', '', { authorization: 'Bearer north' }, 403, 'FORBIDDEN'],
    ['to a page of another origin', '', { origin: 'https://other.example.test' }, 403, 'FORBIDDEN'],
  ])('%s', async (_what, query, headers, status, code) => {
    const response = await fetch(`${url}${query}`, { headers })
    expect([response.status, (await response.json()).errors]).toEqual([
      status,
      [{ message: expect.any(String), extensions: expect.objectContaining({ code }) }],
    ])
  })
})

test('an export that is refused for now says when to come again', async () => {
  const strict = await openDoor({ throttling: { queries: { amount: 1, seconds: 60 } } })
  const server = http.createServer(strict.server.audit.handle)
  try {
    const { port: number } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
    const ask = () => fetch(`http://127.0.0.1:${number}/audit`)
    expect((await ask()).status).toBe(200)
    const refused = await ask()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)])
    const { errors } = await refused.json()
    expect(errors).toEqual([
      { message: expect.any(String), extensions: expect.objectContaining({ code: 'LIMIT_EXCEEDED' }) },
    ])
    expect(errors[0].extensions).not.toHaveProperty('http')
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await strict.close()
  }
})
