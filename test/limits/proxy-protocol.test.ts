import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as https from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import mqttPacket from 'mqtt-packet'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { createProxies, networkIn } from '../../src/limits/client-address.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { proxiedPorts } from '../../src/limits/proxied-ports.ts'
import { createProxyProtocol } from '../../src/limits/proxy-protocol.ts'
import { addressOf } from '../../src/limits/request-address.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { openAnywhere } from '../http/serve.ts'
import { connectPacket, startDoor, type TestDoor } from '../mqtt/door.ts'
import { createTestClock } from '../support/clock.ts'
import { freePorts } from '../support/ports.ts'
import { findNginxStream, findProgram } from '../support/programs.ts'
import { type RunningProxy, runProxy } from '../support/run-proxy.ts'

/** Answers with the address of the client. */
const echo: Mount = {
  path: '/graphql',
  methods: ['GET'],
  handle: (request, response) => void response.end(JSON.stringify(addressOf(request))),
}

/** The proxies are at 127.0.0.1; others of this machine are clients or strangers. */
const client = '203.0.113.9'
const header = Buffer.from(`PROXY TCP4 ${client} 192.0.2.1 4321 443\r\n`)
const clock = createTestClock()
const entries: Record<string, unknown>[] = []
const log = pino({}, { write: (line: string) => void entries.push(JSON.parse(line)) })
const proxies = createProxies([networkIn('127.0.0.1') ?? expect.fail()])
const proxyProtocol = createProxyProtocol({ clock, log }, { ports: proxiedPorts, isTrusted: proxies.isTrusted })
let ca: string | undefined
let server: HttpServer
let ports: { readonly http: number; readonly https: number }
let hub: TestDoor
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  const pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
  ca = pem.ca
  const deps = { clock, log, limits: defaultLimits }
  const mounts = { graphql: echo }
  server = createHttpServer(deps, {
    mounts,
    proxies,
    proxyProtocol,
    plainHttp: 'on',
    whyNotReady: () => undefined,
    ...pem,
  })
  const { http, https } = await openAnywhere(server)
  ports = { http: Number(new URL(http).port), https: Number(new URL(https).port) }
  hub = await startDoor({ proxyProtocol, log })
})
afterAll(async () => {
  await server.close()
  await hub.close()
})

/** A connection on which these bytes have been sent. */
async function open(port: number, bytes: Buffer = Buffer.alloc(0), localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

/** The address of the client according to the hub, for a request by TLS on this connection. */
async function addressBehind(socket: Socket): Promise<unknown> {
  const createConnection = () => connectTls({ socket, ca, servername: 'localhost' })
  const request = https.request({ path: '/graphql', createConnection })
  request.end()
  const [response] = await once(request, 'response')
  return json(response)
}

/** The address of a device that is refused according to the log, for a CONNECT on this connection. */
async function addressOfDevice(socket: Socket): Promise<unknown> {
  const before = entries.length
  socket.write(mqttPacket.generate(connectPacket(`nobody-${before}`)))
  await once(socket.resume(), 'close')
  return entries.slice(before).find(({ msg }) => msg === 'client refused')?.address
}

describe('a trusted proxy', () => {
  test('names its client to HTTPS, with the first bytes of TLS or before them', async () => {
    expect(await addressBehind(await open(ports.https, header))).toBe(client)
    const slow = await open(ports.https)
    for (const byte of header) slow.write(Buffer.from([byte]))
    expect(await addressBehind(slow)).toBe(client)
  })

  test('names its client to HTTP, in front of a request', async () => {
    const request = `GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
    const socket = await open(ports.http, Buffer.concat([header, Buffer.from(request)]))
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain(JSON.stringify(client))
    await once(socket.resume(), 'close')
  })

  test('names its client to MQTT, in front of CONNECT', async () => {
    expect(await addressOfDevice(await open(hub.port, header))).toBe(client)
  })

  test('counts as the client itself when it names none', async () => {
    const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
    expect(await addressBehind(await open(ports.https, local))).toBe('127.0.0.1')
  })

  test('must send the header, and the log says so', async () => {
    const before = entries.length
    for (const port of [ports.https, ports.http, hub.port, hub.tlsPort]) {
      const socket = await open(port, Buffer.from('16030102000100', 'hex'))
      await once(socket.resume(), 'close')
    }
    const reason = 'there is no PROXY header, which the trusted proxy must send to this port'
    expect(entries.slice(before)).toEqual(
      ['HTTP', 'MQTT'].map((protocol) => expect.objectContaining({ protocol, reason, address: '127.0.0.1' })),
    )
  })

  test('must send the header in time', async () => {
    const [silent, late] = [await open(ports.https), await open(hub.port, header.subarray(0, 20))]
    // The hub has accepted both when it answers one that came later.
    expect(await addressBehind(await open(ports.https, header))).toBe(client)
    await addressOfDevice(await open(hub.port, header))
    const closed = [silent, late].map((socket) => once(socket.resume(), 'close'))
    clock.advance(10_000)
    await Promise.all(closed)
  })
})

test('nobody else can name a client', async () => {
  expect(await addressBehind(await open(ports.https, undefined, '127.0.0.2'))).toBe('127.0.0.2')
  const forged = await open(ports.https, header, '127.0.0.2')
  await expect(addressBehind(forged)).rejects.toThrow()
  expect(await addressOfDevice(await open(hub.port, undefined, '127.0.0.2'))).toBe('127.0.0.2')
})

/** Configurations of proxies that forward the two ports to the hub. */
const configurations = {
  'haproxy, version 1': ([web, devices]: readonly number[]) => haproxy('send-proxy', web, devices),
  'haproxy, version 2': ([web, devices]: readonly number[]) => haproxy('send-proxy-v2', web, devices),
  nginx: ([web, devices]: readonly number[]) => `
    load_module ${findNginxStream()};
    events {}
    stream {
      proxy_protocol on;
      server { listen 127.0.0.1:${web}; proxy_pass 127.0.0.1:${ports.https}; }
      server { listen 127.0.0.1:${devices}; proxy_pass 127.0.0.1:${hub.port}; }
    }\n`,
} as const

const haproxy = (option: string, web: number | undefined, devices: number | undefined): string => `
    defaults
      mode tcp
      timeout connect 5s
      timeout client 1h
      timeout server 1h
    listen web
      bind 127.0.0.1:${web}
      server hub 127.0.0.1:${ports.https} ${option}
    listen devices
      bind 127.0.0.1:${devices}
      server hub 127.0.0.1:${hub.port} ${option}\n`

const isMissing = { haproxy: findProgram('haproxy') === undefined, nginx: findNginxStream() === undefined }

describe.each([
  ['haproxy, version 1', 'haproxy'],
  ['haproxy, version 2', 'haproxy'],
  ['nginx', 'nginx'],
] as const)('%s', (name, program) => {
  let proxy: RunningProxy | undefined
  let web = 0
  let devices = 0
  beforeAll(async () => {
    if (isMissing[program]) return
    ;[web = 0, devices = 0] = await freePorts(2)
    proxy = await runProxy(program, configurations[name]([web, devices]), [web, devices])
  })
  afterAll(() => proxy?.close())

  test.skipIf(isMissing[program])('names its clients over HTTPS and MQTT', async () => {
    expect(await addressBehind(await open(web, undefined, '127.0.0.3'))).toBe('127.0.0.3')
    expect(await addressOfDevice(await open(devices, undefined, '127.0.0.4'))).toBe('127.0.0.4')
  })
})
