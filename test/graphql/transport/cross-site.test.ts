import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import * as http from 'node:http'
import { createConnection, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { crossSiteRefusal } from '../../../src/graphql/transport/cross-site.ts'
import { openDoor } from '../door.ts'
import { openPort } from './sockets.ts'

const socket = new Socket()
const noOrigin = () => false
const names = ['hub.example.test', 'localhost', '127.0.0.1', '[::1]']

test.each([
  ['its own name', { host: 'hub.example.test' }],
  ['its own name with a port and in capitals', { host: 'HUB.example.test:4000' }],
  ['an address with a port', { host: '127.0.0.1:4000' }],
  ['an IPv6 address', { host: '[::1]' }],
  ['an IPv6 address with a port', { host: '[::1]:4000' }],
  ['a page of its own', { host: 'localhost:4000', origin: 'http://localhost:4000' }],
  ['a page of its own by TLS', { host: 'hub.example.test', origin: 'https://hub.example.test' }],
  ['a page of its own on the usual port', { host: 'localhost', origin: 'http://localhost:80' }],
  ['its own page through a proxy that names the port', { host: 'localhost:443', origin: 'https://localhost' }],
  ['an address that was typed', { host: 'localhost:4000', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
  [
    'its own page, as browsers say',
    { host: 'localhost:4000', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
  ],
])('%s may ask', (_what, headers) => {
  expect(crossSiteRefusal({ headers, socket }, names, noOrigin)).toBeUndefined()
})

test.each([
  ['a name that was made to point here', { host: 'evil.example:4000', origin: 'http://evil.example:4000' }],
  ['a name that begins like one of its own', { host: 'localhost.evil.example' }],
  ['no name', {}],
  ['an empty name', { host: '' }],
  ['a page of another site', { host: 'localhost:4000', origin: 'https://evil.example' }],
  ['a page on another port', { host: 'localhost:4000', origin: 'http://localhost:3000' }],
  ['a page without an origin', { host: 'localhost:4000', origin: 'null' }],
  ['a link on another site', { host: 'localhost:4000', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ['an image on another site', { host: 'localhost:4000', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  [
    'a page of a neighbouring site',
    { host: 'localhost:4000', 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
  ],
])('%s may not ask', (_what, headers) => {
  expect(crossSiteRefusal({ headers, socket }, names, noOrigin)).toMatchObject({ message: expect.any(String) })
})

test('where tokens are needed, any name will do', () => {
  const refusalOf = (headers: IncomingHttpHeaders) => crossSiteRefusal({ headers, socket }, undefined, noOrigin)
  expect(refusalOf({ host: 'proxy.example' })).toBeUndefined()
  expect(refusalOf({ host: 'proxy.example', origin: 'https://evil.example' })).toBeDefined()
})

test('a page of an allowed origin may ask, though browsers say that it is of another site', () => {
  const page = { origin: 'https://app.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
  const allows = (origin: string) => origin === 'https://app.example'
  const refusalOf = (headers: IncomingHttpHeaders) => crossSiteRefusal({ headers, socket }, names, allows)
  expect(refusalOf({ host: 'localhost:4000', ...page })).toBeUndefined()
  expect(refusalOf({ host: 'evil.example', ...page })).toBeDefined()
  expect(refusalOf({ host: 'localhost:4000', 'sec-fetch-site': 'cross-site' })).toBeDefined()
})

test('the refusal names the origin and the variable that allows it', () => {
  const refusalOf = (origin: string) =>
    crossSiteRefusal({ headers: { host: 'localhost:4000', origin }, socket }, names, noOrigin)
  expect(refusalOf('https://app.example:8443')).toEqual({
    message:
      'Requests from pages of https://app.example:8443 are not allowed. Add this origin to ALLOWED_ORIGINS, or serve the page from the hub.',
    missing: { origin: 'https://app.example:8443' },
  })
  for (const text of ['null', 'https://a.example, https://a.example', '<script>']) {
    expect(refusalOf(text)).toEqual({
      message: expect.stringMatching(/^Requests from pages without an origin, .* ALLOWED_ORIGINS\.$/),
    })
  }
})

test('the door asks before it answers, over HTTP and WebSockets', async () => {
  const door = await openDoor()
  const port = await openPort(door)
  const ask = async (headers: Record<string, string>) => {
    const request = http.request(port.url.replace('ws', 'http'), {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...headers },
    })
    request.end('{"query":"{ __typename }"}')
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }
  expect(await ask({})).toBe(200)
  expect(await ask({ host: 'evil.example' })).toBe(403)
  expect(await ask({ origin: 'https://evil.example' })).toBe(403)
  const rebound = await port.socket({ headers: { host: 'evil.example', origin: 'http://evil.example' } })
  expect((await rebound.closed).code).toBe(403)
  await port.close()
  await door.close()
})

test.each(['X-Forwarded-For', 'x-forwarded-proto', 'X-Forwarded-Host', 'Forwarded', 'Via', 'X-Real-IP'])(
  'a request without a token that was passed on (%s) may come from anywhere, and needs one',
  async (header) => {
    const door = await openDoor()
    const port = await openPort(door)
    const headers = { 'content-type': 'application/json', [header]: 'for=192.0.2.7' }
    const url = port.url.replace('ws', 'http')
    const ask = async (more = {}) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: '{"query":"{ __typename }"}',
      })
      return { status: response.status, text: await response.text() }
    }
    expect(await ask()).toEqual({ status: 401, text: expect.stringContaining('came through a proxy') })
    expect((await ask({ authorization: await door.token('service') })).status).toBe(200)
    const socket = await port.socket({ headers: { [header]: 'x' } })
    socket.send({ type: 'connection_init' })
    expect((await socket.closed).code).toBe(4401)
    await port.close()
    await door.close()
  },
)

test('a request by HTTP/1.0 without a token, as nginx passes it on by default, needs one', async () => {
  const door = await openDoor()
  const port = await openPort(door)
  const ask = async (version: string) => {
    const { hostname, port: number } = new URL(port.url)
    const socket = createConnection(Number(number), hostname)
    const body = '{"query":"{ __typename }"}'
    socket.write(
      `POST /graphql HTTP/${version}\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    )
    return (await text(socket)).split('\r\n')[0]
  }
  expect(await ask('1.0')).toBe('HTTP/1.1 401 Unauthorized')
  expect(await ask('1.1')).toBe('HTTP/1.1 200 OK')
  await port.close()
  await door.close()
})
