import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { createArrivals } from '../../src/limits/arrivals.ts'
import { createProxies, networkIn } from '../../src/limits/client-address.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { addressOf } from '../../src/limits/request-address.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { freePorts } from '../support/ports.ts'
import { findProgram, type Program } from '../support/programs.ts'
import { type RunningProxy, runProxy } from '../support/run-proxy.ts'
import { openAnywhere } from './serve.ts'

/** Answers with the address of the client; it accepts the token `good`. */
const echo: Mount = {
  path: '/graphql',
  methods: ['GET'],
  handle(request, response) {
    response.statusCode = request.headers.authorization === 'good' ? 200 : 401
    response.end(JSON.stringify(addressOf(request)))
  },
  upgrade(request, connection) {
    connection.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${JSON.stringify(addressOf(request))}`)
  },
}

let pem: { cert: string; key: string }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
})

const servers: HttpServer[] = []
afterAll(() => Promise.all(servers.map((server) => server.close())))

/** The address of a hub that trusts these proxies. */
async function serve(trusted: string, limits = {}): Promise<URL> {
  const deps = {
    limits: { ...defaultLimits, ...limits },
    clock: systemClock,
    log: pino({ level: 'silent' }),
  }
  const proxies = createProxies([networkIn(trusted) ?? expect.fail(trusted)])
  const arrivals = createArrivals(deps, { isProxy: proxies.isTrusted })
  const mounts = { graphql: echo }
  const server = createHttpServer(deps, { mounts, arrivals, proxies, whyNotReady: () => undefined, ...pem })
  servers.push(server)
  return new URL(`${(await openAnywhere(server)).http}/graphql`)
}

type Asked = { readonly from?: string; readonly headers?: http.OutgoingHttpHeaders }
async function ask(url: URL, { from = '127.0.0.1', headers = {} }: Asked = {}): Promise<[number | undefined, unknown]> {
  const request = http.request(url, { agent: false, localAddress: from, headers })
  request.end()
  const [response] = await once(request, 'response')
  return [response.statusCode, response.statusCode === 429 ? await text(response) : await json(response)]
}
const bad = { authorization: 'bad' }

/** The statuses that a client gets that sends bad tokens until it is refused without a check. */
async function failing(url: URL, asked: Asked): Promise<unknown[]> {
  const statuses = new Set<number | undefined>()
  for (let times = 0; times < 15 && !statuses.has(429); times++) {
    statuses.add((await ask(url, { ...asked, headers: { ...asked.headers, ...bad } }))[0])
  }
  return [...statuses]
}

const [client, other] = ['198.51.100.4', '198.51.100.5']

test('the client of a trusted proxy is the one that it names, and nobody else can name one', async () => {
  const url = await serve('127.0.0.1')
  const headers = { ...bad, 'x-forwarded-for': `${other}, ${client}` }
  expect(await ask(url, { headers })).toEqual([401, client])
  expect(await ask(url, { from: '127.0.0.2', headers })).toEqual([401, '127.0.0.2'])
  const upgrade = { ...headers, connection: 'upgrade', upgrade: 'websocket' }
  expect(await ask(url, { headers: upgrade })).toEqual([403, client])
  expect(await ask(url, { from: '127.0.0.2', headers: upgrade })).toEqual([403, '127.0.0.2'])
})

test('bad tokens of one client leave the others of its proxy alone, and a good token is always tried', async () => {
  const url = await serve('127.0.0.1', { addressFailures: 1 })
  const [mine, theirs] = [{ 'x-forwarded-for': client }, { 'x-forwarded-for': other }]
  expect(await ask(url, { headers: { ...mine, authorization: 'good' } })).toEqual([200, client])
  expect(await failing(url, { headers: mine })).toEqual([401, 429])
  expect(await ask(url, { headers: { ...mine, authorization: 'good' } })).toEqual([200, client])
  expect(await ask(url, { headers: { ...theirs, ...bad } })).toEqual([401, other])
})

test('a trusted proxy may open more connections than one client', async () => {
  const url = await serve('127.0.0.1', { addressConnections: 2, addressNewConnections: 1 })
  const open = async (localAddress: string) => {
    const socket = connect({ port: Number(url.port), host: '127.0.0.1', localAddress })
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const sockets = [await open('127.0.0.2'), await open('127.0.0.2'), await open('127.0.0.2')]
  await once(sockets[2]?.resume() ?? expect.fail(), 'close')
  for (let count = 0; count < 12; count++) sockets.push(await open('127.0.0.1'))
  expect(await ask(url, { headers: bad })).toEqual([401, '127.0.0.1'])
  for (const socket of sockets) socket.destroy()
})

/** The configuration of a proxy on a port in front of the hub. */
const configurations = {
  nginx: (port, url) => `
    events {}
    http {
      access_log off;
      client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass ${url.origin};
          proxy_http_version 1.1;
          proxy_set_header Host $host;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $http_connection;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          proxy_set_header X-Forwarded-Proto $scheme;
        }
      }
    }`,
  haproxy: (port, url) => `
    defaults
      mode http
      timeout connect 5s
      timeout client 1h
      timeout server 1h
    listen hub
      bind 127.0.0.1:${port}
      option forwardfor
      http-request set-header X-Forwarded-Proto http
      server hub ${url.host}\n`,
} as const satisfies Partial<Record<Program, (port: number, url: URL) => string>>

describe.each(['nginx', 'haproxy'] as const)('%s', (name) => {
  const program = findProgram(name)
  let proxy: RunningProxy | undefined
  let behind: URL
  beforeAll(async () => {
    if (program === undefined) return
    const url = await serve('127.0.0.1', { addressFailures: 1 })
    const [port = 0] = await freePorts(1)
    proxy = await runProxy(name, configurations[name](port, url), [port])
    behind = new URL(`http://127.0.0.1:${port}/graphql`)
  })
  afterAll(() => proxy?.close())

  test.skipIf(program === undefined)('names its clients, whatever they claim', async () => {
    expect(await ask(behind, { from: '127.0.0.2', headers: bad })).toEqual([401, '127.0.0.2'])
    const forged = { ...bad, 'x-forwarded-for': client }
    expect(await ask(behind, { from: '127.0.0.3', headers: forged })).toEqual([401, '127.0.0.3'])
    // It passes this one on.
    const alsoForged = { ...bad, forwarded: `for=${client}` }
    expect(await ask(behind, { from: '127.0.0.3', headers: alsoForged })).toEqual([401, '127.0.0.1'])
  })

  test.skipIf(program === undefined)('does not let one client use up what the others may fail', async () => {
    expect(await failing(behind, { from: '127.0.0.4' })).toEqual([401, 429])
    expect((await ask(behind, { from: '127.0.0.5', headers: bad }))[0]).toBe(401)
  })
})
