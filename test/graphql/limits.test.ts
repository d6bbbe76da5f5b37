import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultMessage } from '../../src/errors.ts'
import { maxTokens } from '../../src/graphql/limits.ts'
import { notJsonBody } from '../../src/json/json-body.ts'
import { maxBodyBytes } from '../../src/limits/body-size.ts'
import { givenMethodJob } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { openPort } from './transport/sockets.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door.close())

const fetch = (init: RequestInit & { path?: string }) =>
  // It adds to the headers that it is given.
  door.server.fetch(`http://localhost${init.path ?? '/graphql'}`, { ...init, headers: new Headers(init.headers) })
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
    ['with several operations at once', 400, { headers: json, body: `[${body},${body}]` }],
    ['that is no JSON', 400, { headers: { ...json, accept: 'application/graphql-response+json' }, body: '{' }],
  ])('%s', async (_what, status, init) => {
    const response = await fetch({ method: 'POST', ...init })
    expect(response.status).toBe(status)
    const text = await response.text()
    expect(text).not.toContain('"data"')
    if (status !== 415) return
    expect(JSON.parse(text)).toEqual({
      errors: [{ message: notJsonBody, extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }],
    })
  })
})

describe('the cost of an operation', () => {
  const query = '{ jobs(first: 7) { nodes { jobId } } }'
  const extensions = { cost: true }
  const cost = {
    complexity: 8,
    maximum: 5_000,
    fields: [
      { path: 'jobs', complexity: 8 },
      { path: 'jobs.nodes', complexity: 7 },
    ],
  }
  const follow = 'subscription { jobUpdated { status } }'

  test('is in the answer if the request asks for it, over both ways of HTTP and over WebSockets', async () => {
    const port = await openPort(door)
    const url = port.url.replace('ws', 'http')
    const post = async (body: object) =>
      (await globalThis.fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) })).json()
    expect((await post({ query, extensions })).extensions).toEqual({ cost })
    expect(await post({ query, extensions: { cost: 'true' } })).not.toHaveProperty('extensions')
    const parameters = new URLSearchParams({ query, extensions: JSON.stringify(extensions) })
    expect(await (await globalThis.fetch(`${url}?${parameters}`)).json()).toEqual({
      data: { jobs: { nodes: [] } },
      extensions: { cost },
    })
    const socket = await port.socket()
    socket.send({ type: 'connection_init' })
    await socket.next()
    socket.send({ id: '1', type: 'subscribe', payload: { query, extensions } })
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next', payload: { extensions: { cost } } })
    await port.close()
  })

  test('is in each event of a subscription that asks for it, and in no other', async () => {
    await givenMethodJob(door.deps, 'nobody', {}, { jobId: 'followed' })
    const port = await openPort(door)
    const [asked, other] = [extensions, {}].map((each) => port.client().iterate({ query: follow, extensions: each }))
    const ofFollow = { complexity: 1, maximum: 5_000, fields: [{ path: 'jobUpdated', complexity: 1 }] }
    expect((await asked?.next())?.value).toMatchObject({ extensions: { cost: ofFollow } })
    expect((await other?.next())?.value).not.toHaveProperty('extensions')
    const gone = new AbortController()
    const stream = await globalThis.fetch(port.url.replace('ws', 'http'), {
      method: 'POST',
      headers: { ...json, accept: 'text/event-stream' },
      body: JSON.stringify({ query: follow, extensions }),
      signal: gone.signal,
    })
    let text = ''
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('event: next') && text.endsWith('}\n\n')) break
    }
    expect(JSON.parse(text.split('data: ')[1] ?? '').extensions).toEqual({ cost: ofFollow })
    gone.abort()
    await port.close()
  })

  test('says what to select less of when the operation is refused for it', async () => {
    const tooMuch = '{ jobs(first: 100) { nodes { deviceJobs(first: 100) { nodes { device { deviceId } } } } } }'
    const response = await fetch({
      method: 'POST',
      headers: json,
      body: JSON.stringify({ query: tooMuch, extensions }),
    })
    const { errors, extensions: shown } = await response.json()
    expect(errors).toMatchObject([{ extensions: { limit: 'complexity', actual: shown.cost.complexity } }])
    expect(shown.cost.fields[2]).toEqual({ path: 'jobs.nodes.deviceJobs', complexity: 21_000 })
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
