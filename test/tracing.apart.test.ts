import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createFleet, type Fleet } from '../src/simulator/fleet.ts'
import { openTracing } from '../src/tracing.ts'
import { ScheduleMethod, WatchStatistics } from './journeys/operations.ts'
import { startApp, type TestApp } from './support/app.ts'
import { registerFleet } from './support/fleet.ts'
import { openReceiver, type Receiver } from './support/receiver.ts'

const before = openTracing()
const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()

let app: TestApp
let fleet: Fleet
let receiver: Receiver
beforeAll(async () => {
  app = await startApp({ WEBHOOK_ALLOW_PRIVATE: 'true' })
  const devices = await registerFleet(app.client, 'traced', 1, () => ({ kind: 'answer' }))
  fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  await fleet.connect()
  receiver = await openReceiver()
})
beforeEach(() => exporter.reset())
afterAll(async () => {
  await fleet.close()
  await receiver.close()
  await app.close()
  await provider.shutdown()
})

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const caller = '00f067aa0ba902b7'
const traceparent = `00-${trace}-${caller}-01`

const ask = async (query: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
const spans = (): ReadableSpan[] => exporter.getFinishedSpans()
const find = (name: string): ReadableSpan | undefined => spans().find((span) => span.name === name)
const parentOf = (span: ReadableSpan | undefined): string | undefined =>
  spans().find((other) => other.spanContext().spanId === span?.parentSpanContext?.spanId)?.name

test('without an SDK there is no tracing', () => {
  expect(before).toBeUndefined()
  expect(openTracing()).toBeDefined()
})

test('a method call is one trace, from the caller to the answer of the device', async () => {
  const call =
    'mutation Reboot { invokeDeviceMethod(input: { deviceId: "traced-0", methodName: "reboot" }) { __typename } }'
  await (await ask(call, { traceparent })).text()
  await expect.poll(() => find('POST /graphql')).toBeDefined()
  const request = find('POST /graphql')
  expect(request?.parentSpanContext).toMatchObject({ traceId: trace, spanId: caller, isRemote: true })
  expect(request?.attributes).toMatchObject({ 'http.response.status_code': 200, 'url.path': '/graphql' })
  expect(parentOf(find('mutation Reboot'))).toBe('POST /graphql')
  expect(parentOf(find('invokeDeviceMethod'))).toBe('mutation Reboot')
  expect(parentOf(find('call reboot'))).toBe('invokeDeviceMethod')
  expect(find('call reboot')?.attributes).toMatchObject({
    'twincast.device.id': 'traced-0',
    'twincast.response.status': 200,
  })
  expect(new Set(spans().map((span) => span.spanContext().traceId))).toEqual(new Set([trace]))
})

test('a call that fails is a span with the kind of its error, and without its message', async () => {
  const call = 'mutation { invokeDeviceMethod(input: { deviceId: "nobody", methodName: "reboot" }) { __typename } }'
  await (await ask(call)).text()
  await expect.poll(() => find('invokeDeviceMethod')).toBeDefined()
  expect(find('invokeDeviceMethod')).toMatchObject({
    status: { code: 2, message: 'NotFoundError' },
    attributes: { 'error.type': 'NotFoundError', 'twincast.target': 'nobody' },
  })
})

test('a change has its transaction and the statements of it', async () => {
  const headers = { authorization: app.ownerToken, 'content-type': 'application/json', traceparent }
  const url = `${app.addresses.http}/devices/traced-0?api-version=2021-04-12`
  const body = JSON.stringify({ deviceId: 'traced-0', status: 'enabled', statusReason: 'traced' })
  expect((await fetch(url, { method: 'PUT', headers: { ...headers, 'if-match': '*' }, body })).status).toBe(200)
  await expect.poll(() => find('PUT /devices')).toBeDefined()
  const transaction = find('transaction')
  expect(spans().some((span) => span.name.startsWith('statement ') && parentOf(span) === 'transaction')).toBe(true)
  const command = spans().find((span) => span.spanContext().spanId === transaction?.parentSpanContext?.spanId)
  expect(parentOf(command)).toBe('PUT /devices')
  expect(command?.attributes).toMatchObject({ 'twincast.target': 'traced-0' })
})

test('the calls of a job are spans of their batch, and its webhook continues a trace', async () => {
  await ask(`mutation { createWebhook(input: { url: "${receiver.url}", events: [JOB_ENDED] }) { __typename } }`)
  const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
    input: {
      queryCondition: "tags.fleet = 'traced'",
      cloudToDeviceMethod: { methodName: 'blink', payload: null, responseTimeoutInSeconds: 5 },
      maxExecutionTimeInSeconds: 60,
    },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  for await (const { deviceJobStatistics } of app.client.subscribe(WatchStatistics, { jobId: job?.jobId ?? '' })) {
    if (deviceJobStatistics.job.status === 'COMPLETED') break
  }
  await receiver.count(1)
  await expect.poll(() => find('POST webhook')).toBeDefined()
  const call = find('call blink')
  expect(parentOf(call)).toBe('dispatch method calls')
  expect(call?.events).toMatchObject([{ name: 'answer' }])
  expect(call?.attributes).toEqual({
    'twincast.job.id': job?.jobId,
    'twincast.device.id': 'traced-0',
    'twincast.response.status': 200,
  })
  const { traceId, spanId } = find('POST webhook')?.spanContext() ?? {}
  expect(receiver.received[0]?.headers.traceparent).toBe(`00-${traceId}-${spanId}-01`)
  const alone = spans()
    .filter((span) => span.parentSpanContext === undefined)
    .map((span) => span.name)
  // What the hub does by itself all the time is no trace.
  expect(alone.filter((name) => name === 'transaction' || name.startsWith('statement '))).toEqual([])
})
