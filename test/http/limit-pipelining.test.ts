import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { pino } from 'pino'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { restAfterOpen } from '../../src/http/limit-pipelining.ts'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestClock } from '../support/clock.ts'
import { openAnywhere } from './serve.ts'

const log = pino({ level: 'silent' })
const schemes = ['http', 'https'] as const

let pem: { cert: string; key: string }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
})

const opened: { server: HttpServer; clients: Socket[] }[] = []
afterEach(async () => {
  for (const { server, clients } of opened.splice(0)) {
    for (const client of clients) client.destroy()
    await server.close()
  }
})

type Asked = { readonly body: string; readonly response: ServerResponse }

/** A server that keeps what it is asked at `/door`, and clients of it. */
async function serve(limits: Partial<typeof defaultLimits> = {}, clock = systemClock, door?: Mount) {
  const asked: Asked[] = []
  const graphql: Mount = door ?? {
    path: '/door',
    methods: ['GET', 'POST', 'PATCH'],
    async handle(request, response) {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      asked.push({ body, response })
    },
    upgrade(_request, connection, head) {
      connection.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${head}`)
    },
  }
  const deps = { clock, log, limits: { ...defaultLimits, ...limits } }
  const server = createHttpServer(deps, { mounts: { graphql }, whyNotReady: () => undefined, ...pem })
  const clients: Socket[] = []
  opened.push({ server, clients })
  const url = await openAnywhere(server)
  return {
    server,
    asked,
    async open(scheme: (typeof schemes)[number] = 'http') {
      const where = { host: '127.0.0.1', port: Number(new URL(url[scheme]).port) }
      const client = scheme === 'https' ? tls.connect({ ...where, rejectUnauthorized: false }) : connect(where)
      clients.push(client)
      await once(client, scheme === 'https' ? 'secureConnect' : 'connect')
      return client.on('error', () => {})
    },
  }
}

/** What the client has got so far. */
function textOf(client: Socket): () => string {
  let text = ''
  client.on('data', (chunk) => {
    text += chunk
  })
  return () => text
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets the server parse as many pieces as it wants to: it parses one in each turn of the event loop. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const request = (body: string, more = '') =>
  `PATCH /door HTTP/1.1\r\nHost: hub\r\nX-Long: ${'x'.repeat(300)}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`

test.each(schemes)(
  'requests sent at once are worked on a few at a time, and all answered in order: %s',
  async (scheme) => {
    const { asked, open } = await serve({ httpPipelinedRequests: 4 })
    const client = await open(scheme)
    const text = textOf(client)
    const bodies = Array.from({ length: 40 }, (_, index) => `{"body":"${index}\r\n\r\n"}`)
    client.write(bodies.map((body) => request(body)).join(''))
    // The body of the fourth is read after an answer.
    await until(() => asked.length === 3)
    await manyTurns()
    expect(asked).toHaveLength(3)
    for (let answered = 0; answered < 40; answered++) {
      await until(() => asked.length > answered)
      expect(asked.length - answered).toBeLessThanOrEqual(4)
      asked[answered]?.response.end(`answer ${answered};`)
    }
    await until(() => text().includes('answer 39;'))
    expect(asked.map(({ body }) => body)).toEqual(bodies)
    expect(text().match(/answer \d+;/g)).toEqual(bodies.map((_, index) => `answer ${index};`))
  },
)

const answers = schemes.flatMap((scheme) => [100, 24 * 1024].map((bytes) => [scheme, bytes] as const))

test.each(answers)(
  'others have their turn after a few requests of one client: %s, answers of %i bytes',
  async (scheme, bytes) => {
    let inTurn = 0
    let most = 0
    const graphql: Mount = {
      path: '/door',
      methods: ['GET'],
      handle(_request, response) {
        if (inTurn++ === 0) {
          setImmediate(() => {
            most = Math.max(most, inTurn)
            inTurn = 0
          })
        }
        response.end(Buffer.alloc(bytes, 'x'))
      },
    }
    const { open } = await serve({ httpPipelinedRequests: 100 }, systemClock, graphql)
    const client = await open(scheme)
    let received = 0
    client.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    client.write('GET /door HTTP/1.1\r\nHost: hub\r\n\r\n'.repeat(1_000))
    await until(() => received > 1_000 * (bytes + 100))
    // A turn as it is counted here may see the end of one lot, a whole one and the beginning of a third.
    expect(most).toBeLessThanOrEqual(8)
  },
)

test('requests sent at once that need no token are worked on a millisecond apart, and others at once', async () => {
  const clock = createTestClock()
  const { asked, open } = await serve({}, clock)
  const client = await open()
  const text = textOf(client)
  const answers = () => text().split('HTTP/1.1 ').length - 1
  // Long enough to be parsed one by one.
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: hub\r\nX-Long: ${'x'.repeat(64)}\r\n\r\n`
  client.write((ask('/healthz') + ask('/nowhere')).repeat(5))
  for (let answered = 1; answered <= 10; answered++) {
    await until(() => answers() === answered)
    await manyTurns()
    expect(answers()).toBe(answered)
    clock.advance(restAfterOpen)
  }
  // Nothing rests after the last one, nor after one that was sent alone.
  client.write(ask('/healthz'))
  await until(() => answers() === 11)
  client.write(request('one') + request('other'))
  await until(() => asked.length === 2)
})

test('of very short requests, too, only a few are parsed before some are answered', async () => {
  const { asked, open } = await serve({ httpPipelinedRequests: 4 })
  const client = await open()
  client.write('GET /door HTTP/1.1\r\nHost:\r\n\r\n'.repeat(2_000))
  // What is answered on another connection afterwards shows that these wait.
  await until(() => asked.length >= 4)
  await manyTurns()
  const other = await open()
  other.write(request('other'))
  await until(() => asked.some(({ body }) => body === 'other'))
  expect(asked.length).toBeLessThan(4 + 16)
})

test('a body that comes in pieces between other requests reaches its request whole', async () => {
  const { asked, open } = await serve({ httpPipelinedRequests: 2 })
  const client = await open()
  const body = `a\r\n\r\nb${'c'.repeat(300_000)}`
  const bytes = Buffer.from(request('first') + request(body) + request('last'))
  for (let at = 0; at < bytes.length; at += 40_000) client.write(bytes.subarray(at, at + 40_000))
  for (let answered = 0; answered < 3; answered++) {
    await until(() => asked.length > answered)
    asked[answered]?.response.end()
  }
  expect(asked.map(({ body }) => body)).toEqual(['first', body, 'last'])
})

test.each(schemes)('requests whose connection closed are forgotten, and told of it: %s', async (scheme) => {
  // Time stands still: closing the server would wait for what is under way.
  const { server, asked, open } = await serve({ httpPipelinedRequests: 50 }, createTestClock())
  const client = await open(scheme)
  client.write(request('').repeat(100))
  await until(() => asked.length === 50)
  let told = 0
  for (const { response } of asked) response.once('close', () => told++)
  client.destroy()
  await expect.poll(() => told).toBe(50)
  // Work that was waiting meanwhile asks for it.
  expect(asked.map(({ response }) => response.destroyed)).toEqual(Array(50).fill(true))
  await server.close()
  expect(asked).toHaveLength(50)
})

test.each(schemes)(
  'an answer that is not read ends the connection, one that is awaited does not: %s',
  async (scheme) => {
    const { asked, open } = await serve({ httpWriteTimeout: 1_000 })
    const patient = await open(scheme)
    const text = textOf(patient)
    patient.write(request('patient'))
    const unread = await open(scheme)
    unread.pause()
    unread.write(request('unread'))
    await until(() => asked.length === 2)
    const of = (body: string) => asked.find((one) => one.body === body)?.response
    of('unread')?.end(Buffer.alloc(20_000_000))
    await expect.poll(() => of('unread')?.closed).toBe(true)
    of('patient')?.end('at last')
    await until(() => text().endsWith('at last'))
    expect(patient.destroyed).toBe(false)
  },
)

test('while a client does not read, its further requests are not read either', async () => {
  const { asked, open } = await serve()
  const client = await open()
  client.pause()
  client.write(request('large'))
  await until(() => asked.length === 1)
  asked[0]?.response.end(Buffer.alloc(20_000_000))
  // Without a body, it is there as soon as its head is read.
  client.write(request(''))
  const other = await open()
  other.write(request('other'))
  await until(() => asked.length === 2)
  expect(asked.map(({ body }) => body)).toEqual(['large', 'other'])
  client.resume()
  await until(() => asked.length === 3)
})

test.each(schemes)('an upgrade gets all bytes that came behind its head: %s', async (scheme) => {
  const { open } = await serve()
  const client = await open(scheme)
  const text = textOf(client)
  const frames = `one\r\n\r\n${'x'.repeat(300)}\r\n\r\ntwo`
  const head = 'GET /door HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  client.write(head + frames)
  await until(() => text().endsWith('two'))
  expect(text()).toBe(`HTTP/1.1 101 Switching Protocols\r\n\r\n${frames}`)
})

test.each(['h2c', 'TLS/1.0', 'foo, bar'])(
  'an offer of %s is passed over, and the connection goes on',
  async (protocol) => {
    const { asked, open } = await serve()
    const client = await open()
    const text = textOf(client)
    const more = `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n`
    for (const [index, body] of ['one', '', 'three'].entries()) {
      client.write(request(body, more))
      await until(() => asked.length > index)
      asked[index]?.response.end(`answer ${body};`)
      await until(() => text().endsWith(`answer ${body};`))
    }
    expect(asked.map(({ body }) => body)).toEqual(['one', '', 'three'])
    expect(text()).not.toMatch(/connection: close/i)
  },
)
