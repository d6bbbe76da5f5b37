import { createHash } from 'node:crypto'
import { parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maxComplexity } from '../../../src/graphql/complexity.ts'
import { mostComplexity } from '../../../src/graphql/cost.ts'
import { encodeNodeId } from '../../../src/graphql/node-id.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { meaningOf, type TrustedDocuments } from '../../../src/graphql/transport/trusted-documents.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort } from './sockets.ts'

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

const known = 'query Known { hub { name } }'
const watch = 'subscription Watch { jobUpdated { jobId } }'
const jobs = 'query Jobs { jobs(first: 1) { totalCount } }'
const unknown = 'query Unknown { hub { version } }'
/** Too complex for about fifty ids and more. */
const byIds =
  'query ByIds($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { deviceJobs(first: 99) { nodes { deviceId } } } } }'
const texts = [known, watch, jobs, byIds]

const trustedWith = (only: boolean): TrustedDocuments => {
  const documents = new Map(
    texts.map((text) => {
      const document = parse(text)
      return [hashOf(text), { text, document, meaning: meaningOf(document) }]
    }),
  )
  const meanings = new Set(texts.map((text) => meaningOf(parse(text))))
  return {
    only,
    find: (id) => documents.get(id.replace('sha256:', '')),
    isTrusted: (document) => meanings.has(meaningOf(document)),
    isWithinComplexity: (document) => mostComplexity(schema, document) <= maxComplexity,
    async reload() {},
    close() {},
  }
}

type Params = Record<string, unknown>
type Result = { readonly status?: number; readonly data: unknown; readonly code: unknown; readonly message: unknown }

let doors: Record<'prefer' | 'only' | 'none', TestDoor>
let ports: Record<'prefer' | 'only' | 'none', OpenPort>
beforeAll(async () => {
  const [prefer, only, none] = await Promise.all([
    openDoor({ trusted: trustedWith(false) }),
    openDoor({ trusted: trustedWith(true) }),
    openDoor(),
  ])
  doors = { prefer, only, none }
  ports = { prefer: await openPort(prefer), only: await openPort(only), none: await openPort(none) }
})
afterAll(async () => {
  for (const port of Object.values(ports)) await port.close()
  for (const door of Object.values(doors)) await door.close()
})

type Mode = keyof typeof doors

const httpUrl = (mode: Mode) => ports[mode].url.replace('ws:', 'http:')
const resultOf = (
  status: number,
  { data, errors }: { data?: unknown; errors?: { message: string; extensions: Params }[] },
) => ({
  status,
  data,
  code: errors?.[0]?.extensions.code,
  message: errors?.[0]?.message,
})

/** The ways in which a query can be sent. */
const transports: Record<string, (mode: Mode, params: Params) => Promise<Result>> = {
  async POST(mode, params) {
    const response = await fetch(httpUrl(mode), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify(params),
    })
    return resultOf(response.status, await response.json())
  },
  async GET(mode, params) {
    const given = Object.entries(params).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ])
    const response = await fetch(`${httpUrl(mode)}?${new URLSearchParams(Object.fromEntries(given))}`, {
      headers: { accept: 'application/graphql-response+json' },
    })
    return resultOf(response.status, await response.json())
  },
  async WebSocket(mode, params) {
    const socket = await ports[mode].socket()
    socket.send({ type: 'connection_init' })
    expect(await socket.next()).toMatchObject({ type: 'connection_ack' })
    socket.send({ type: 'subscribe', id: '1', payload: params })
    const { type, payload } = Object(await socket.next())
    socket.raw.close()
    return type === 'next' ? resultOf(200, payload) : resultOf(400, { errors: payload })
  },
}

const apollo = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(text) } })

describe.each(Object.keys(transports))('over %s', (transport) => {
  const send = (mode: Mode, params: Params) => Object(transports[transport])(mode, params)
  const answered = { status: 200, data: { hub: { name: 'hub.example.test' } }, code: undefined }

  test.each([
    ['a documentId', { documentId: hashOf(known) }],
    ['a documentId with a prefix', { documentId: `sha256:${hashOf(known)}` }],
    ["Apollo's hash", { extensions: apollo(known) }],
    ['the text', { query: known }],
    ['both', { query: known, documentId: hashOf(known) }],
    ['both, in another form', { query: `${known} # again`, documentId: hashOf(known) }],
    ["the text with Apollo's hash", { query: known, extensions: apollo(known) }],
  ])('%s runs a trusted document', async (_what, params) => {
    expect(await send('prefer', params)).toMatchObject(answered)
    expect(await send('only', params)).toMatchObject(answered)
  })

  test.each([{ documentId: hashOf(unknown) }, { extensions: apollo(unknown) }])(
    'an unknown id is not found, in the words that make Apollo send the text: %j',
    async (params) => {
      for (const mode of ['prefer', 'only'] as const) {
        expect(await send(mode, params)).toMatchObject({
          status: 400,
          code: 'PERSISTED_QUERY_NOT_FOUND',
          message: expect.stringMatching(/^PersistedQueryNotFound/),
        })
      }
    },
  )

  test('a trusted document that its variables make too complex is refused', async () => {
    const variables = { ids: Array.from({ length: 60 }, (_, index) => encodeNodeId('Job', `job-${index}`)) }
    for (const mode of ['prefer', 'only'] as const) {
      const refused = await send(mode, { documentId: hashOf(byIds), variables })
      expect(refused).toMatchObject({ code: 'LIMIT_EXCEEDED', message: expect.stringContaining('complexity') })
    }
  })

  test('a text that is not trusted is refused only where nothing else may run', async () => {
    for (const params of [
      { query: unknown },
      { query: unknown, extensions: apollo(unknown) },
      { query: '{ __schema { queryType { name } } }' },
    ]) {
      expect(await send('prefer', params)).toMatchObject({ status: 200, code: undefined })
      expect(await send('only', params)).toMatchObject({
        status: 400,
        data: undefined,
        code: 'DOCUMENT_NOT_TRUSTED',
        message: expect.stringContaining('TRUSTED_DOCUMENTS_ONLY'),
      })
    }
    // What a client sends with its hash does not become trusted.
    expect(await send('prefer', { extensions: apollo(unknown) })).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' })
  })

  test.each([
    { query: unknown, documentId: hashOf(known) },
    { query: known, documentId: hashOf(unknown) },
    { query: unknown, documentId: 'made-up' },
    { query: unknown, extensions: apollo(known) },
  ])('the id of one document with the text of another is refused: %j', async (params) => {
    for (const mode of ['prefer', 'only'] as const) {
      expect(await send(mode, params)).toMatchObject({ status: 400, code: 'BAD_REQUEST', data: undefined })
    }
  })

  test('without trusted documents, ids are not supported, and hashes with texts are ignored', async () => {
    expect(await send('none', { documentId: hashOf(known) })).toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('TRUSTED_DOCUMENTS'),
    })
    expect(await send('none', { extensions: apollo(known) })).toMatchObject({ code: 'PERSISTED_QUERY_NOT_SUPPORTED' })
    expect(await send('none', { query: known, extensions: apollo(unknown) })).toMatchObject(answered)
  })
})

test('a status of the older media type does not hide an unknown id from clients', async () => {
  const response = await fetch(httpUrl('only'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ documentId: hashOf(unknown) }),
  })
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] })
})

test.each([
  ['id', { documentId: hashOf(watch) }],
  ['hash', { extensions: apollo(watch) }],
])('a subscription runs by %s, as an event stream and over a WebSocket', async (_how, params) => {
  const response = await fetch(httpUrl('only'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(params),
  })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  expect(doors.only.server.openStreams()).toBe(1)
  await response.body?.cancel()
  await expect.poll(() => doors.only.server.openStreams()).toBe(0)

  const socket = await ports.only.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  socket.send({ type: 'subscribe', id: '1', payload: params })
  await expect.poll(() => doors.only.server.openStreams()).toBe(1)
  socket.raw.close()
  await expect.poll(() => doors.only.server.openStreams()).toBe(0)
})

test('a subscription that is not trusted is refused as an event stream', async () => {
  const response = await fetch(httpUrl('only'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { jobUpdated { jobId status } }' }),
  })
  expect(await response.text()).toContain('DOCUMENT_NOT_TRUSTED')
  expect(doors.only.server.openStreams()).toBe(0)
})

test('rights are checked for trusted documents, too', async () => {
  const authorization = await doors.only.token('device')
  const response = await fetch(httpUrl('only'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ documentId: hashOf(jobs) }),
  })
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] })
})

test('an id of another type is refused, and so are deeply nested variables', async () => {
  expect(await transports.POST?.('only', { documentId: 7 })).toMatchObject({ status: 400 })
  const socket = await ports.only.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  const payload = `{ "documentId": "${hashOf(known)}", "variables": { "deep": ${deep} } }`
  socket.send(`{ "type": "subscribe", "id": "1", "payload": ${payload} }`)
  expect(await socket.closed).toEqual({ code: 4400, reason: 'Message nested too deeply' })
})
