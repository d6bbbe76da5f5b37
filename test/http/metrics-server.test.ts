import { once } from 'node:events'
import { connect } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createMetricsServer, type MetricsServer } from '../../src/http/metrics-server.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { ListenError } from '../../src/open-port.ts'

const log = pino({ level: 'silent' })
let metrics: Metrics
let server: MetricsServer
let url: string

beforeEach(async () => {
  metrics = createMetrics()
  server = createMetricsServer(
    { clock: systemClock, log, limits: { ...defaultLimits, metricsConnections: 2 } },
    metrics,
  )
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})

afterEach(() => server.close())

test('serves the metrics in the format of Prometheus', async () => {
  metrics.count('twincast_sign_ins_refused_total', { reason: 'expired' })
  const response = await fetch(url)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const text = await response.text()
  expect(text).toContain('twincast_sign_ins_refused_total{reason="expired"} 1\n')
  expect(text).toContain('twincast_nodejs_eventloop_lag_p99_seconds')
  // A list of all connections would take long for a fleet.
  expect(text).not.toContain('twincast_nodejs_active')
  expect(text.endsWith('\n')).toBe(true)
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test.each([
  ['/', 'GET', 404],
  ['/metrics/x', 'GET', 404],
  ['/metrics', 'DELETE', 405],
  ['/metrics?name=x', 'GET', 200],
])('%s %s is answered with %i', async (path, method, status) => {
  const response = await fetch(new URL(path, url), { method })
  await response.text()
  expect(response.status).toBe(status)
})

test('the body of a request is not read', async () => {
  const response = await fetch(url, { method: 'POST', body: 'x'.repeat(10_000) })
  expect([response.status, response.headers.get('connection')]).toEqual([405, 'close'])
})

test('connections above the limit are closed', async () => {
  const open = async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const kept = [await open(), await open()]
  const third = await open()
  await once(third, 'close')
  expect(kept.map(({ destroyed }) => destroyed)).toEqual([false, false])
  for (const socket of kept) socket.destroy()
})

test('of requests that are sent at once a few are worked on at a time, and all are answered', async () => {
  const waiting: (() => void)[] = []
  const slow = { ...metrics, print: () => new Promise<string>((resolve) => waiting.push(() => resolve('none\n'))) }
  const limited = createMetricsServer(
    { clock: systemClock, log, limits: { ...defaultLimits, httpPipelinedRequests: 4 } },
    slow,
  )
  const { port } = new URL(await limited.listen({ host: '127.0.0.1', port: 0 }))
  const client = connect(Number(port), '127.0.0.1').on('error', () => {})
  let received = ''
  client.on('data', (bytes) => {
    received += bytes
  })
  // Of shorter ones two are parsed at a time.
  client.write(`GET /metrics HTTP/1.1\r\nHost: hub\r\nUser-Agent: ${'x'.repeat(64)}\r\n\r\n`.repeat(100))
  for (let answered = 0; answered < 100; answered++) {
    await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(answered)
    // Each piece that is parsed takes a turn of the event loop.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(waiting.length - answered).toBeLessThanOrEqual(4)
    waiting[answered]?.()
  }
  await expect.poll(() => received.match(/none\n/g)).toHaveLength(100)
  client.destroy()
  await limited.close()
})

test('a port that is in use is named with its variable', async () => {
  const other = createMetricsServer({ clock: systemClock, log, limits: defaultLimits }, metrics)
  const failed = other.listen({ host: '127.0.0.1', port: Number(new URL(url).port) })
  await expect(failed).rejects.toThrow(ListenError)
  await expect(failed).rejects.toThrow(/^METRICS_PORT is \d+, but the hub cannot listen on/)
})
