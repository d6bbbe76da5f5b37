import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultMessage } from '../../src/errors.ts'
import { maxTokens } from '../../src/graphql/limits.ts'
import { notJsonBody } from '../../src/json/json-body.ts'
import { maxBodyBytes } from '../../src/limits/body-size.ts'
import { openDoor, type TestDoor } from './door.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door.close())

const fetch = (init: RequestInit & { path?: string }) =>
  door.server.fetch(`http://localhost${init.path ?? '/graphql'}`, init)
const json = { 'content-type': 'application/json' }

describe('a document is refused', () => {
  const nested = (depth: number): string =>
    depth === 0 ? '__typename' : `job { deviceJobs(first: 1) { nodes { ${nested(depth - 1)} } } }`
  const doubling = Array.from(
    { length: 30 },
    (_, index) => `fragment F${index} on Query { ...F${index + 1} a${index}: __typename ...F${index + 1} }`,
  )

  test.each([
    [
      '13 levels deep',
      `{ job(jobId: "x") { deviceJobs(first: 1) { nodes { ${nested(3)} } } } }`,
      { limit: 'depth', actual: 13 },
    ],
    [
      'with 31 aliases',
      `{ ${Array.from({ length: 31 }, (_, index) => `a${index}: __typename`).join(' ')} }`,
      { limit: 'aliases', actual: 31 },
    ],
    [
      'with a few aliases in fragments that double themselves',
      `{ ...F0 } ${doubling.join(' ')} fragment F30 on Query { b: __typename }`,
      { limit: 'aliases' },
    ],
    [
      'that could read ten thousand rows',
      '{ jobs(first: 100) { nodes { deviceJobs(first: 100) { nodes { device { deviceId } } } } } }',
      { limit: 'complexity', maximum: 5000 },
    ],
    [
      'that asks for the same page under many names',
      `{ ${Array.from({ length: 29 }, (_, index) => `a${index}: jobs(first: 100) { nodes { deviceJobStatistics { deviceCount } } }`).join(' ')} }`,
      { limit: 'complexity' },
    ],
    [
      'that asks for the same JSON documents under many names',
      `{ devices(first: 100) { nodes { twin { ${Array.from({ length: 10 }, (_, index) => `a${index}: tags`).join(' ')} } } } }`,
      { limit: 'complexity', actual: 5201 },
    ],
    [
      'that asks introspection for the same under many names',
      '{ __schema { types { a: fields { c: name d: name } b: fields { name } } } }',
      { limit: 'aliases', actual: 40 },
    ],
    [
      'that asks for introspection itself under many names',
      '{ a: __schema { ...Root } b: __schema { ...Root } } fragment Root on __Schema { c: queryType { name } }',
      { limit: 'aliases', actual: 40 },
    ],
  ])('%s', async (_what, query, extensions) => {
    const { errors } = await door.ask(query)
    expect(errors[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', ...extensions })
  })

  test('with too many tokens', async () => {
    const { errors, data } = await door.ask(`{ ${'__typename '.repeat(maxTokens)} }`)
    expect(data).toBeUndefined()
    expect(errors[0]?.message).toContain(`${maxTokens} tokens`)
  })
})

test('the deepest useful path is within the limits', async () => {
  const query = `{ jobs(first: 1) { edges { node { deviceJobs(first: 1) { edges { node { device { twin { properties { desired { value } } } } } } } } } } }`
  expect((await door.ask(query)).errors).toEqual([])
})

test('the introspection of GraphiQL is answered', async () => {
  const { errors, data } = await door.ask(getIntrospectionQuery())
  expect(errors).toEqual([])
  expect(data).toHaveProperty('__schema')
})

describe('a body is refused', () => {
  const body = JSON.stringify({ query: '{ __typename }' })
  test.each([
    ['that a form could send: text', 415, { headers: { 'content-type': 'text/plain' }, body }],
    [
      'that a form could send: URL-encoded',
      415,
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'query={__typename}' },
    ],
    [
      'that a form could send: multipart',
      415,
      { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' },
    ],
    ['of plain GraphQL', 415, { headers: { 'content-type': 'application/graphql' }, body: '{ __typename }' }],
    ['without a type', 415, { body: new Uint8Array([123, 125]) }],
    ['that is compressed', 415, { headers: { ...json, 'content-encoding': 'gzip' }, body }],
    [
      'over the size limit',
      413,
      { headers: json, body: JSON.stringify({ query: `{ __typename } #${'x'.repeat(maxBodyBytes)}` }) },
    ],
    ['with several operations at once', 413, { headers: json, body: `[${body},${body}]` }],
    ['that is no JSON', 400, { headers: { ...json, accept: 'application/graphql-response+json' }, body: '{' }],
  ])('%s', async (_what, status, init) => {
    const response = await fetch({ method: 'POST', ...init })
    expect(response.status).toBe(status)
    const text = await response.text()
    expect(text).not.toContain('"data"')
    if (status === 415) expect(JSON.parse(text)).toEqual({ errors: [{ message: notJsonBody }] })
  })
})

test('a query may come by GET, a mutation may not', async () => {
  const get = (query: string) =>
    fetch({ path: `/graphql?query=${encodeURIComponent(query)}`, headers: { accept: 'application/json' } })
  expect(await (await get('{ __typename }')).json()).toEqual({ data: { __typename: 'Query' } })
  expect((await get('mutation { cancelJob(input: { jobId: "x" }) { __typename } }')).status).toBe(405)
})

test('no other site may read an answer', async () => {
  const response = await fetch({
    method: 'POST',
    headers: { ...json, origin: 'https://evil.example' },
    body: '{"query":"{ __typename }"}',
  })
  expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})

describe('a fault', () => {
  test('is shown as a reference, and logged once under the same', async () => {
    const broken = await openDoor()
    try {
      await broken.deps.database.pool.query('alter table job rename to lost')
      const { errors } = await broken.ask('{ jobs(first: 1) { nodes { jobId } } }')
      expect(errors).toHaveLength(1)
      const [error] = errors
      expect(error).toMatchObject({
        path: ['jobs'],
        message: faultMessage(String(error?.extensions.reference)),
        extensions: { code: 'INTERNAL_SERVER_ERROR', reference: expect.any(String) },
      })
      expect(JSON.stringify(errors)).not.toMatch(/relation|table|select|prisma/i)
      expect(broken.logged).toMatchObject([
        { reference: error?.extensions.reference, err: { message: expect.any(String) } },
      ])
    } finally {
      await broken.close()
    }
  })
})
