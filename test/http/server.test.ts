import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pino } from 'pino'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestClock } from '../support/clock.ts'
import { openAnywhere } from './serve.ts'

const deps = { limits: defaultLimits, clock: systemClock, log: pino({ level: 'silent' }) }
const anywhere = { host: '127.0.0.1', port: 0 }

let tls: { cert: string; key: string }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  tls = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
})

let ready: boolean
let under: http.ServerResponse[]
let closed: boolean
let server: HttpServer
let url: { http: string; https: string }
const graphql: Mount = {
  path: '/graphql',
  methods: ['GET', 'POST'],
  handle(request, response) {
    if (request.method === 'POST') under.push(response)
    else response.end('mounted')
  },
  upgrade: (_request, connection) => connection.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
  close: async () => {
    closed = true
  },
}

const rest: Mount = {
  path: '/devices',
  below: true,
  methods: ['GET'],
  claims: (url) => url.endsWith('?api-version=1'),
  handle: (request, response) => response.end(`mounted below, ${request.url}`),
}

beforeEach(async () => {
  ready = true
  under = []
  closed = false
  server = createHttpServer(deps, {
    mounts: { graphql, rest: [rest] },
    whyNotReady: () => (ready ? undefined : 'The hub is starting.'),
    ...tls,
  })
  url = await openAnywhere(server)
})
afterEach(() => server.close())

type Reply = { status: number; headers: http.IncomingHttpHeaders; body: string }
const ask = (address: string, options: http.RequestOptions = {}): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { request } = address.startsWith('https') ? https : http
    const settings = { ...options, agent: false, rejectUnauthorized: false }
    const sent = request(address, settings, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })

describe('paths', () => {
  test('the mounted door answers, plain and by TLS', async () => {
    expect(await ask(`${url.http}/graphql?query=x`)).toMatchObject({ status: 200, body: 'mounted' })
    expect(await ask(`${url.https}/graphql`)).toMatchObject({ status: 200, body: 'mounted' })
  })

  test('a door that is mounted with all below its path answers there, and not at what only begins so', async () => {
    for (const path of ['/devices', '/devices/', '/devices/a/b?x=1']) {
      expect(await ask(`${url.https}${path}`)).toMatchObject({ status: 200, body: `mounted below, ${path}` })
    }
    expect((await ask(`${url.http}/nothing?api-version=1`)).body).toBe('mounted below, /nothing?api-version=1')
    expect((await ask(`${url.http}/graphql?api-version=1`)).body).toBe('mounted')
    expect((await ask(`${url.http}/devicesx`)).status).toBe(404)
    expect((await ask(`${url.http}/devices/a`, { method: 'TRACE' })).status).toBe(405)
  })

  test('/healthz says that the process lives, also before it is ready', async () => {
    ready = false
    expect(await ask(`${url.http}/healthz`)).toMatchObject({ status: 200, body: '{"status":"ok"}' })
  })

  test('/readyz says whether the hub is ready', async () => {
    expect(await ask(`${url.http}/readyz`)).toMatchObject({ status: 200, body: '{"status":"ready","checks":{}}' })
    ready = false
    expect(await ask(`${url.http}/readyz`)).toMatchObject({
      status: 503,
      body: '{"status":"unavailable","reason":"The hub is starting.","checks":{}}',
    })
  })

  test('HEAD is answered without a body', async () => {
    expect(await ask(`${url.http}/healthz`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })

  test.each(['/', '/graphql/', '/graphqlx', '//graphql', '/healthz/../graphql'])(
    '%s is unknown, and the answer says what there is',
    async (path) => {
      const { status, headers, body } = await ask(url.http, { path })
      expect(status).toBe(404)
      expect(headers['content-type']).toContain('application/json')
      expect(JSON.parse(body).message).toContain('/graphql, /healthz, /readyz')
    },
  )

  test('another method is refused, and the answer says which there are', async () => {
    const { status, headers } = await ask(`${url.http}/graphql`, { method: 'DELETE' })
    expect([status, headers.allow]).toEqual([405, 'GET, POST'])
    // What a browser asks first before it sends JSON to another site: nothing allows it.
    const preflight = await ask(`${url.http}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example' },
    })
    expect(preflight.status).toBe(405)
    expect(preflight.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test.each([
    ['an unknown path', 'POST /other', 404],
    ['another method', 'PUT /graphql', 405],
    ['a probe', 'POST /healthz', 405],
    ['a request that has no use for a body', 'GET /healthz', 200],
  ])('the body of %s is not read: its connection ends with the answer', async (_what, line, status) => {
    for (const body of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
      const socket = connect(Number(new URL(url.http).port), '127.0.0.1')
      socket.on('error', () => {})
      let answer = ''
      socket.on('data', (bytes) => {
        answer += bytes
      })
      socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${body}\r\n\r\n`)
      await once(socket, 'close')
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(answer).toMatch(/^connection: close/im)
    }
  })

  test.each(['/other', '/healthz'])('a request for %s without a body leaves its connection open', async (path) => {
    expect((await fetch(`${url.http}${path}`)).headers.get('connection')).toBe('keep-alive')
    const empty = await fetch(`${url.http}${path}`, { method: 'POST', headers: { 'content-length': '0' } })
    expect(empty.headers.get('connection')).toBe('keep-alive')
  })

  test('every answer by TLS tells browsers to come by TLS for a year, and none without TLS does', async () => {
    for (const path of ['/graphql', '/healthz', '/nothing']) {
      expect((await ask(url.https, { path })).headers).toMatchObject({
        'strict-transport-security': 'max-age=31536000',
      })
      // A proxy that ends TLS answers for itself: it knows the name and the port by which browsers come.
      const headers = { 'x-forwarded-proto': 'https', forwarded: 'proto=https' }
      expect((await ask(url.http, { path, headers })).headers).not.toHaveProperty('strict-transport-security')
    }
  })

  test('every answer forbids guessing its type and framing it', async () => {
    for (const path of ['/graphql', '/healthz', '/nothing']) {
      expect((await ask(url.http, { path })).headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
    }
  })
})

test('a connection on which the head of a request does not end is closed', async () => {
  const impatient = createHttpServer(deps, {
    mounts: { graphql },
    whyNotReady: () => undefined,
    headersTimeout: 20,
    ...tls,
  })
  const address = await openAnywhere(impatient)
  const slow = connect(Number(new URL(address.http).port), '127.0.0.1')
  slow.write('GET /graphql HTTP/1.1\r\nHost: hub\r\nX-Slow: ')
  let answer = ''
  slow.on('data', (chunk) => {
    answer += chunk
  })
  await once(slow, 'close')
  expect(answer).toContain('408')
  await impatient.close()
})

test('a connection on which a TLS handshake does not end is closed', async () => {
  const impatient = createHttpServer(deps, { whyNotReady: () => undefined, handshakeTimeout: 20, ...tls })
  const address = await openAnywhere(impatient)
  const slow = connect(Number(new URL(address.https).port), '127.0.0.1').on('error', () => {})
  await expect.poll(() => slow.resume().closed).toBe(true)
  await impatient.close()
})

test('one address has only so many connections to each port', async () => {
  const limits = { ...defaultLimits, addressConnections: 1 }
  const other = createHttpServer({ ...deps, limits }, { mounts: { graphql }, whyNotReady: () => undefined, ...tls })
  const address = await openAnywhere(other)
  for (const where of [address.http, address.https]) {
    const first = connect(Number(new URL(where).port), '127.0.0.1')
    await once(first, 'connect')
    await expect(ask(`${where}/healthz`)).rejects.toThrow()
    const gone = once(first, 'close')
    first.destroy()
    await gone
    await expect.poll(() => ask(`${where}/healthz`).catch(() => undefined)).toMatchObject({ status: 200 })
  }
  await other.close()
})

/** A server that takes one wrong token a second from an address. */
async function refusing(door: Mount) {
  const limits = { ...defaultLimits, addressFailures: 1 }
  const clock = createTestClock()
  const other = createHttpServer(
    { ...deps, limits, clock },
    { mounts: { graphql: door }, whyNotReady: () => undefined, ...tls },
  )
  return { other, clock, address: await openAnywhere(other) }
}

test('after many refused tokens of an address, only those are looked at that were good before', async () => {
  const door: Mount = {
    path: '/door',
    methods: ['GET'],
    handle: ({ headers }, response) => response.writeHead(headers.authorization?.startsWith('good') ? 200 : 401).end(),
  }
  const { other, clock, address } = await refusing(door)
  const statusOf = async (authorization: string, path = '/door') =>
    (await ask(`${address.http}${path}`, { headers: { authorization } })).status
  expect(await statusOf('good')).toBe(200)
  for (let count = 0; count < 10; count++) expect(await statusOf('bad')).toBe(401)
  const refused = statusOf('good, and not seen before')
  await clock.asleep()
  // While the refusal waits, others are answered.
  expect(await statusOf('good')).toBe(200)
  expect(await statusOf('bad', '/healthz')).toBe(200)
  clock.advance(1_500)
  expect(await refused).toBe(429)
  expect(await statusOf('good, and not seen before')).toBe(200)
  await other.close()
})

test('a refusal that waits does not delay the end', async () => {
  const door: Mount = { path: '/door', methods: ['GET'], handle: (_request, response) => response.writeHead(401).end() }
  const { other, clock, address } = await refusing(door)
  const statusOf = async () => (await ask(`${address.http}/door`)).status
  for (let count = 0; count < 10; count++) expect(await statusOf()).toBe(401)
  const refused = statusOf()
  await clock.asleep()
  await other.close()
  expect(await refused).toBe(429)
})

describe('upgrades', () => {
  const upgrade = async (path: string) => {
    const request = http.get(`${url.http}${path}`, {
      agent: false,
      headers: { connection: 'upgrade', upgrade: 'websocket' },
    })
    request.on('error', () => {})
    return Promise.race([
      once(request, 'upgrade').then(([response, socket]) => {
        socket.destroy()
        return response.statusCode
      }),
      once(request, 'response').then(([response]) => {
        response.destroy()
        return response.statusCode
      }),
    ])
  }

  test('reach the mounted door and nothing else', async () => {
    expect(await upgrade('/graphql')).toBe(101)
    // Elsewhere nobody wants one, and the request is answered as if it offered none.
    expect(await upgrade('/healthz')).toBe(200)
    expect(await upgrade('/nothing')).toBe(404)
  })
})

const withoutCurl = spawnSync('curl', ['--version']).status !== 0

test.skipIf(withoutCurl)('curl that offers HTTP/2 is answered', async () => {
  const curl = async (...more: string[]) => {
    const child = spawn('curl', ['--silent', '--http2', '--write-out', ' %{http_code} %{num_connects}', ...more])
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    await once(child, 'close')
    return said
  }
  expect(await curl(`${url.http}/healthz`)).toBe('{"status":"ok"} 200 1')
  expect(await curl(`${url.http}/graphql`, '--next', '--silent', '--http2', `${url.http}/healthz`)).toBe(
    'mounted 200 1{"status":"ok"}',
  )
})

describe('listening', () => {
  test.each([
    ['HTTP_PORT', () => ({ http: { ...anywhere, port: Number(new URL(url.http).port) } })],
    ['HTTPS_PORT', () => ({ https: { ...anywhere, port: Number(new URL(url.https).port) } })],
  ])('%s in use is an error that names it and its address, and leaves no port open', async (variable, address) => {
    const other = createHttpServer(deps, { mounts: { graphql }, whyNotReady: () => undefined, ...tls })
    const [{ port = 0 } = {}] = Object.values(address())
    await expect(other.listen(address())).rejects.toThrow(
      `${variable} is ${port}, but the hub cannot listen on 127.0.0.1:${port}: another program uses this port`,
    )
    await other.close()
  })

  test('an address of another machine is an error that says so', async () => {
    const other = createHttpServer(deps, { mounts: { graphql }, whyNotReady: () => undefined, ...tls })
    await expect(other.listen({ http: { ...anywhere, host: '192.0.2.1' } })).rejects.toThrow(
      'this machine has no such address; choose another HTTP_HOST',
    )
  })
})

describe('while the mounts are closed', () => {
  test('the probes answer, before anything is open, and all else is told when to ask again', async () => {
    const early = createHttpServer(deps, { whyNotReady: () => 'The hub is starting.', ...tls })
    const { http: address } = await openAnywhere(early)
    expect(await ask(`${address}/healthz`)).toMatchObject({ status: 200 })
    expect(await ask(`${address}/readyz`)).toMatchObject({ status: 503 })
    for (const path of ['/graphql', '/nothing']) {
      expect(await ask(`${address}${path}`)).toMatchObject({
        status: 503,
        headers: { 'retry-after': '1', connection: 'close' },
        body: '{"message":"The hub is starting."}',
      })
    }
    const upgrade = { headers: { connection: 'Upgrade', upgrade: 'websocket' } }
    expect((await ask(`${address}/graphql`, upgrade)).status).toBe(503)
    early.open({ graphql })
    expect(await ask(`${address}/graphql`)).toMatchObject({ status: 200 })
    await early.close()
  })

  test('what was under way finishes, and the probes go on answering', async () => {
    const asked = ask(`${url.http}/graphql`, { method: 'POST' })
    while (under.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const drained = server.drain()
    expect(await ask(`${url.http}/graphql`)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(await ask(`${url.http}/healthz`)).toMatchObject({ status: 200 })
    under[0]?.end('finished')
    expect(await asked).toMatchObject({ status: 200, body: 'finished' })
    await drained
    expect(closed).toBe(true)
    expect(await ask(`${url.https}/healthz`)).toMatchObject({ status: 200 })
  })

  test('what is under way is not waited for when somebody hurries', async () => {
    const clock = createTestClock()
    const other = createHttpServer({ ...deps, clock }, { mounts: { graphql }, whyNotReady: () => undefined, ...tls })
    const { http: address } = await openAnywhere(other)
    const asked = ask(`${address}/graphql`, { method: 'POST' }).catch(() => 'cut off')
    while (under.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const hurrying = new AbortController()
    const drained = other.drain(hurrying.signal)
    hurrying.abort()
    await drained
    await other.close()
    expect(await asked).toBe('cut off')
  })
})

describe('closing', () => {
  test('lets a request under way finish, and closes what idles', async () => {
    const idle = new http.Agent({ keepAlive: true })
    await new Promise((resolve) =>
      http.get(`${url.http}/healthz`, { agent: idle }, (response) => response.resume().on('end', resolve)),
    )
    const asked = ask(`${url.http}/graphql`, { method: 'POST' })
    while (under.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const stopped = server.close()
    await expect(ask(`${url.http}/healthz`)).rejects.toThrow('ECONNREFUSED')
    under[0]?.end('finished')
    expect(await asked).toMatchObject({ status: 200, body: 'finished' })
    await stopped
    expect(closed).toBe(true)
    idle.destroy()
  })

  test('does not wait for connections on which nothing is asked, such as browsers open ahead', async () => {
    const other = createHttpServer(
      { ...deps, clock: createTestClock() },
      { mounts: { graphql }, whyNotReady: () => undefined, ...tls },
    )
    const address = await openAnywhere(other)
    const silent = [address.http, address.https].map((where) => connect(Number(new URL(where).port), '127.0.0.1'))
    const ended = silent.map((connection) => once(connection.on('error', () => {}).resume(), 'close'))
    await Promise.all(silent.map((connection) => once(connection, 'connect')))
    // Accepted by now: the server knows both.
    await Promise.all([ask(`${address.http}/healthz`), ask(`${address.https}/healthz`)])
    await other.close()
    await Promise.all(ended)
    expect(silent.every(({ destroyed }) => destroyed)).toBe(true)
  })

  test.each(['http', 'https'] as const)(
    'leaves alone what a door that keeps its connections took over by %s',
    async (scheme) => {
      let taken: Duplex | undefined
      const mqtt: Mount = {
        path: '/kept',
        methods: ['GET'],
        handle: () => {},
        upgrade(_request, connection) {
          taken = connection
          connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        },
      }
      const other = createHttpServer(
        { ...deps, clock: createTestClock() },
        { mounts: { graphql, mqtt }, whyNotReady: () => undefined, ...tls },
      )
      const address = await openAnywhere(other)
      const { request } = scheme === 'https' ? https : http
      const headers = { connection: 'Upgrade', upgrade: 'websocket' }
      const asked = request(`${address[scheme]}/kept`, { headers, agent: false, rejectUnauthorized: false }).end()
      const [, connection] = await once(asked, 'upgrade')
      await other.close()
      taken?.write('still here')
      expect(String((await once(connection, 'data'))[0])).toBe('still here')
      const ended = once(connection, 'close')
      taken?.destroy()
      await ended
    },
  )

  test('cuts off what does not finish in time', async () => {
    const clock = createTestClock()
    const other = createHttpServer({ ...deps, clock }, { mounts: { graphql }, whyNotReady: () => undefined, ...tls })
    const address = await openAnywhere(other)
    const asked = ask(`${address.http}/graphql`, { method: 'POST' }).catch(() => 'cut off')
    while (under.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const stopped = other.close()
    await clock.asleep()
    clock.advance(60_000)
    await stopped
    expect(await asked).toBe('cut off')
  })
})
