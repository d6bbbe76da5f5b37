import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { mayComePlain, type PlainHttp, plainRefusal, tlsAddress } from '../../src/http/plain-http.ts'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { createProxies, networkIn } from '../../src/limits/client-address.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { openAnywhere } from './serve.ts'

const proxies = createProxies([networkIn('192.0.2.7') ?? expect.fail()])
const byTls = { 'x-forwarded-proto': 'https' }

describe('a request without TLS', () => {
  test.each<[string, string, object, Record<PlainHttp, boolean>]>([
    ['of this machine', '127.0.0.1', {}, { loopback: true, off: false, on: true }],
    ['of this machine, by IPv6', '::1', {}, { loopback: true, off: false, on: true }],
    ['of this machine, by IPv4 in IPv6', '::ffff:127.8.9.1', {}, { loopback: true, off: false, on: true }],
    ['of a trusted proxy that adds TLS', '192.0.2.7', byTls, { loopback: true, off: false, on: true }],
    ['of a trusted proxy', '192.0.2.7', {}, { loopback: false, off: false, on: true }],
    [
      'of a trusted proxy without TLS',
      '192.0.2.7',
      { 'x-forwarded-proto': 'http' },
      { loopback: false, off: false, on: true },
    ],
    ['of another machine', '192.0.2.8', {}, { loopback: false, off: false, on: true }],
    ['of another machine that claims to add TLS', '192.0.2.8', byTls, { loopback: false, off: false, on: true }],
    [
      'of another machine that claims to be this one',
      '192.0.2.8',
      { 'x-forwarded-for': '127.0.0.1' },
      { loopback: false, off: false, on: true },
    ],
  ])('%s', (_what, peer, headers, expected) => {
    const modes = ['loopback', 'off', 'on'] as const
    const accepted = modes.map((mode) => [mode, mayComePlain(mode, proxies, { peer, headers })])
    expect(Object.fromEntries(accepted)).toEqual(expected)
  })

  test('is refused with what to use instead', () => {
    const request = { peer: '192.0.2.8', headers: { host: 'hub.example:4000' }, tlsPort: 4443 }
    expect(plainRefusal('loopback', proxies, request)).toBe(
      'This hub accepts requests over TLS only. Use https://hub.example:4443, set PLAIN_HTTP=on, or name the proxy that adds TLS in TRUSTED_PROXIES.',
    )
    expect(plainRefusal('off', proxies, request)).toBe(
      'This hub accepts requests over TLS only. Use https://hub.example:4443.',
    )
    expect(plainRefusal('loopback', proxies, { ...request, tlsPort: undefined })).toBe(
      'This hub accepts requests over TLS only. Set PLAIN_HTTP=on, or name the proxy that adds TLS in TRUSTED_PROXIES.',
    )
    expect(plainRefusal('loopback', proxies, { ...request, peer: '192.0.2.7' })).toContain('X-Forwarded-Proto: https')
    expect(plainRefusal('off', proxies, { ...request, headers: {} })).toContain('Use port 4443.')
  })

  test.each([
    ['hub.example', 'https://hub.example:4443'],
    ['hub.example:4000', 'https://hub.example:4443'],
    ['[::1]:4000', 'https://[::1]:4443'],
    ['192.0.2.2:4000', 'https://192.0.2.2:4443'],
    ['evil.example/x', undefined],
    ['evil.example#', undefined],
    ['a@evil.example', undefined],
    ['', undefined],
  ])('to the host %j has the address %s over TLS', (host, address) => {
    expect(tlsAddress({ peer: '', headers: { host }, tlsPort: 4443 })).toBe(address)
  })
})

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

describe.skipIf(outside === undefined)('a hub that listens on the network', () => {
  let pem: { cert: string; key: string }
  const servers: HttpServer[] = []
  /** The tokens that reached what is mounted. */
  let tokens: (string | undefined)[] = []
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
    pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
    await rm(folder, { recursive: true })
  })
  afterAll(() => Promise.all(servers.map((server) => server.close())))

  const mount = (path: string, isOpen: boolean): Mount => ({
    path,
    methods: ['GET', 'POST', 'OPTIONS'],
    isOpen: ({ method }) => isOpen || method === 'OPTIONS',
    handle({ headers }, response) {
      tokens.push(headers.authorization)
      response.end('mounted')
    },
    upgrade({ headers }, connection) {
      tokens.push(headers.authorization)
      connection.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    },
  })
  const serve = async (plainHttp: PlainHttp, trusted: readonly string[] = []) => {
    const deps = { limits: defaultLimits, clock: systemClock, log: pino({ level: 'silent' }) }
    const server = createHttpServer(deps, {
      mounts: {
        graphql: mount('/graphql', false),
        mqtt: mount('/$iothub/websocket', false),
        console: [mount('/console', true)],
      },
      proxies: createProxies(trusted.flatMap((text) => networkIn(text) ?? [])),
      plainHttp,
      whyNotReady: () => undefined,
      ...pem,
    })
    servers.push(server)
    tokens = []
    const { http, https } = await openAnywhere(server, '0.0.0.0')
    return { plain: new URL(http).port, tls: new URL(https).port }
  }
  const token = { authorization: 'secret' }
  const socket = { connection: 'upgrade', upgrade: 'websocket' }

  async function ask(url: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET') {
    const { request } = url.startsWith('https') ? https : http
    const asked = request(url, { agent: false, headers, method, rejectUnauthorized: false })
    asked.on('upgrade', (response, connection) => {
      connection.destroy()
      asked.emit('response', response)
    })
    asked.end()
    const [response] = await once(asked, 'response')
    const body = response.statusCode === 101 ? '' : await text(response)
    return { status: response.statusCode, body, location: response.headers.location }
  }

  test('does not look at tokens that another machine sends in the clear', async () => {
    const { plain, tls } = await serve('loopback')
    const base = `http://${outside}:${plain}`
    const refused = { status: 403, body: expect.stringContaining(`Use https://${outside}:${tls}, set PLAIN_HTTP=on`) }
    expect(await ask(`${base}/graphql`, token, 'POST')).toMatchObject(refused)
    expect(await ask(`${base}/graphql`, token, 'OPTIONS')).toMatchObject(refused)
    expect(await ask(`${base}/graphql`, { ...token, ...socket })).toMatchObject(refused)
    expect(await ask(`${base}/$iothub/websocket`, { ...token, ...socket })).toMatchObject(refused)
    expect(await ask(`${base}/graphql`, { ...token, 'x-forwarded-proto': 'https' }, 'POST')).toMatchObject(refused)
    expect(tokens).toEqual([])
  })

  test('answers its probes, and redirects its pages to TLS before anybody enters a token', async () => {
    const { plain, tls } = await serve('loopback')
    const base = `http://${outside}:${plain}`
    expect(await ask(`${base}/healthz`)).toMatchObject({ status: 200 })
    expect(await ask(`${base}/readyz`)).toMatchObject({ status: 200 })
    expect(await ask(`${base}/console?x=1`)).toMatchObject({
      status: 308,
      location: `https://${outside}:${tls}/console?x=1`,
    })
    expect(await ask(`${base}/console`, {}, 'POST')).toMatchObject({ status: 403 })
    expect(await ask(`${base}/nothing`)).toMatchObject({ status: 404 })
  })

  test('accepts tokens over TLS, from this machine, and from a trusted proxy that adds TLS', async () => {
    const { plain, tls } = await serve('loopback')
    const behind = await serve('loopback', [outside ?? ''])
    const urls = [`https://${outside}:${tls}`, `http://127.0.0.1:${plain}`, `http://${outside}:${behind.plain}`]
    for (const url of urls) {
      const headers = { ...token, 'x-forwarded-proto': 'https' }
      expect(await ask(`${url}/graphql`, headers, 'POST')).toMatchObject({ status: 200 })
      expect(await ask(`${url}/console`, headers)).toMatchObject({ status: 200 })
      for (const path of ['/graphql', '/$iothub/websocket']) {
        expect(await ask(`${url}${path}`, { ...headers, ...socket })).toMatchObject({ status: 101 })
      }
    }
    expect(tokens).toHaveLength(12)
    const withoutTls = await ask(`http://${outside}:${behind.plain}/graphql`, token, 'POST')
    expect(withoutTls).toMatchObject({ status: 403, body: expect.stringContaining('X-Forwarded-Proto') })
  })

  test('accepts nothing but TLS with PLAIN_HTTP=off, and everything with PLAIN_HTTP=on', async () => {
    const off = await serve('off', ['127.0.0.1'])
    const headers = { ...token, 'x-forwarded-proto': 'https' }
    expect(await ask(`http://127.0.0.1:${off.plain}/graphql`, headers, 'POST')).toMatchObject({ status: 403 })
    expect(await ask(`http://127.0.0.1:${off.plain}/graphql`, { ...headers, ...socket })).toMatchObject({ status: 403 })
    expect(await ask(`http://127.0.0.1:${off.plain}/healthz`)).toMatchObject({ status: 200 })
    expect(tokens).toEqual([])
    const on = await serve('on')
    expect(await ask(`http://${outside}:${on.plain}/graphql`, token, 'POST')).toMatchObject({ status: 200 })
    expect(await ask(`http://${outside}:${on.plain}/console`)).toMatchObject({ status: 200 })
    expect(tokens).toEqual(['secret', undefined])
  })
})
