import { once } from 'node:events'
import * as http from 'node:http'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { mountWebHandler, type WebHandler } from '../../src/http/web-handler.ts'

const logged: string[] = []
const log = pino({ level: 'error' }, { write: (line: string) => logged.push(line) })
const servers: http.Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(handler: WebHandler): Promise<number> {
  const [mount] = mountWebHandler({ clock: systemClock, log }, ['/devices'], handler)
  const server = http.createServer((request, response) => mount?.handle(request, response)).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const send = (port: number, method: string, path: string, body?: string | Buffer, headers = {}) =>
  new Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const sent = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })

test('a handler is mounted at its paths and everything below', () => {
  expect(mountWebHandler({ clock: systemClock, log }, ['/a', '/b'], async () => new Response())).toMatchObject([
    { path: '/a', below: true },
    { path: '/b', below: true },
  ])
})

test('verb, path, headers and body reach the handler as they were sent, and the answer the client', async () => {
  const port = await serve(async (request) => {
    const { pathname, search } = new URL(request.url)
    const seen = [request.method, pathname, search, request.headers.get('if-match'), await request.text()]
    return new Response(JSON.stringify(seen), { status: 207, headers: { 'x-ms-item-type': 'Twin' } })
  })
  const body = 'ü'.repeat(100_000)
  const answer = await send(port, 'PATCH', '/devices/a%252Fb?x=%20', body, { 'If-Match': '"*"' })
  expect(answer).toMatchObject({ status: 207, headers: { 'x-ms-item-type': 'Twin', 'cache-control': 'no-store' } })
  expect(JSON.parse(answer.text)).toEqual(['PATCH', '/devices/a%252Fb', '?x=%20', '"*"', body])
})

test('a long answer is compressed for clients that accept gzip, unless it must keep its form', async () => {
  const long = JSON.stringify({ rows: Array(200).fill('pump') })
  const port = await serve(async (request) => {
    const isKept = new URL(request.url).pathname.endsWith('keys')
    return new Response(long, isKept ? { headers: { 'cache-control': 'no-transform' } } : {})
  })
  const ask = async (path: string, accepted: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/devices/${path}`, {
      headers: { 'accept-encoding': accepted },
    })
    expect(await response.text()).toBe(long)
    return [response.headers.get('content-encoding'), response.headers.get('cache-control')]
  }
  expect(await ask('a', 'br, gzip')).toEqual(['gzip', 'no-store'])
  expect(await ask('a', 'br, gzip;q=0')).toEqual([null, 'no-store'])
  expect(await ask('keys', 'gzip')).toEqual([null, 'no-store, no-transform'])
})

test('an answer without a body has none', async () => {
  const port = await serve(async () => new Response(null, { status: 204 }))
  const { status, headers, text } = await send(port, 'DELETE', '/devices/a')
  expect([status, headers['content-length'], text]).toEqual([204, undefined, ''])
})

test('the connection ends when the handler did not want the body', async () => {
  const port = await serve(async () => new Response('{}', { status: 413 }))
  const sent = http.request({
    port,
    host: '127.0.0.1',
    method: 'PUT',
    path: '/devices/a',
    headers: { 'content-length': 10 },
  })
  sent.on('error', () => {})
  sent.flushHeaders()
  const [response] = await once(sent, 'response')
  expect([response.statusCode, response.headers.connection]).toEqual([413, 'close'])
  response.destroy()
})

test('the handler is notified when the client disconnects', async () => {
  let tell: (signal: AbortSignal) => void = () => {}
  const entered = new Promise<AbortSignal>((resolve) => {
    tell = resolve
  })
  const port = await serve(async ({ signal }) => {
    tell(signal)
    if (!signal.aborted) await once(signal, 'abort')
    return new Response()
  })
  const sent = http.request({ port, host: '127.0.0.1', method: 'POST', path: '/devices/a', agent: false })
  sent.on('error', () => {})
  sent.end()
  const signal = await entered
  sent.destroy()
  if (!signal.aborted) await once(signal, 'abort')
  expect(signal.aborted).toBe(true)
})

test('a client that has its answer has not gone', async () => {
  const signals: AbortSignal[] = []
  const port = await serve(async ({ signal }) => {
    signals.push(signal)
    return new Response('{}')
  })
  await send(port, 'GET', '/devices/a')
  // The connection of the first has closed by the time the second is answered on another.
  await send(port, 'GET', '/devices/b')
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
})

test('a handler that throws ends the connection, and the log has why', async () => {
  const port = await serve(async () => {
    throw new Error('broken handler')
  })
  await expect(send(port, 'GET', '/devices')).rejects.toThrow()
  expect(logged.join()).toContain('broken handler')
})

test('a handler answers at a path of nobody what it claims, and the server the rest', async () => {
  const claims = (url: string) => url.includes('mine')
  const mounts = mountWebHandler({ clock: systemClock, log }, ['/a'], async () => new Response(), claims)
  expect(mounts.map((mount) => [mount.claims?.('/b?mine'), mount.claims?.('/b')])).toEqual([[true, false]])
})
