import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createFleet } from '../../src/simulator/fleet.ts'
import { version } from '../../src/version.ts'
import { ScheduleMethod, WatchStatistics } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ LIMIT_ADDRESS_SOCKETS: '3', THROTTLE_QUERIES: '1/min' })
})
afterAll(() => app.close())

const print = async (): Promise<string> => (await fetch(app.addresses.metrics ?? '')).text()

/** The value of a series, 0 when it does not exist. */
async function read(series: string): Promise<number> {
  const line = (await print()).split('\n').find((text) => text.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

async function runJob(): Promise<void> {
  const behaviours = [{ kind: 'answer' }, { kind: 'answer' }, { kind: 'refuse', status: 500 }] as const
  const devices = await registerFleet(app.client, 'metrics', 3, (index) => behaviours[index] ?? { kind: 'silent' })
  const fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  await fleet.connect()
  const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
    input: {
      queryCondition: "tags.fleet = 'metrics'",
      cloudToDeviceMethod: { methodName: 'reboot', payload: null, responseTimeoutInSeconds: 5 },
      maxExecutionTimeInSeconds: 60,
    },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  for await (const { deviceJobStatistics } of app.client.subscribe(WatchStatistics, { jobId: job?.jobId ?? '' })) {
    if (deviceJobStatistics.job.status === 'COMPLETED') break
  }
  expect(await read('twincast_mqtt_connections')).toBe(3)
  await fleet.close()
}

test('a job is visible from its start to the outcomes of its devices', async () => {
  await runJob()
  expect(await read('twincast_jobs_started_total')).toBe(1)
  expect(await read('twincast_device_jobs_total{outcome="succeeded",code=""}')).toBe(2)
  expect(await read('twincast_device_jobs_total{outcome="refused",code=""}')).toBe(1)
  expect(await read('twincast_job_dispatch_delay_seconds_count{type="method"}')).toBe(1)
  expect(await read('twincast_mqtt_messages_total{kind="method_response"}')).toBe(3)
  expect(await read('twincast_method_calls_limit')).toBe(2_000)
  await expect.poll(() => read('twincast_jobs{status="completed"}')).toBe(1)
  await expect.poll(() => read('twincast_mqtt_connections')).toBe(0)
})

test('device jobs that a client cancels are counted', async () => {
  await registerFleet(app.client, 'offline', 3, () => ({ kind: 'answer' }))
  const queryCondition = "tags.fleet = 'offline'"
  const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
    input: { queryCondition, cloudToDeviceMethod: { methodName: 'reboot' } },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  const jobId = job?.jobId ?? ''
  for await (const { deviceJobStatistics } of app.client.subscribe(WatchStatistics, { jobId })) {
    if (deviceJobStatistics.job.status === 'RUNNING') break
  }
  const cancelled = 'twincast_device_jobs_total{outcome="cancelled",code=""}'
  expect(await print()).toContain(`\n${cancelled} 0\n`)
  const query = `mutation { cancelDeviceJobs(input: { jobId: "${jobId}", queryCondition: "${queryCondition}" }) {
    ... on CancelDeviceJobsPayload { cancelledCount } } }`
  await fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  expect(await read(cancelled)).toBe(3)
})

test('operations of GraphQL are counted by name and outcome, and HTTP requests by path and status', async () => {
  const ask = async (query: string): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    await (await fetch(app.addresses.graphql, { method: 'POST', headers, body: JSON.stringify({ query }) })).text()
  }
  await ask('query Seen { hub { version } }')
  await ask('{ hub { version } }')
  await ask(`query Cursor { jobs(first: 1, after: "nonsense") { totalCount } }`)
  const operations = 'twincast_graphql_operation_seconds_count'
  expect(await read(`${operations}{operation="Seen",kind="query",outcome="ok"}`)).toBe(1)
  expect(await read(`${operations}{operation="anonymous",kind="query",outcome="ok"}`)).toBe(1)
  expect(await read(`${operations}{operation="Cursor",kind="query",outcome="refused"}`)).toBe(1)
  await fetch(`${app.addresses.http}/devices/x?api-version=2021-04-12`)
  await fetch(`${app.addresses.http}/nowhere/${'x'.repeat(100)}`)
  const requests = 'twincast_http_request_seconds_count'
  const status200 = `${requests}{path="/graphql",method="POST",status="200"}`
  await expect.poll(() => read(status200)).toBeGreaterThanOrEqual(3)
  await expect.poll(() => read(`${requests}{path="/devices",method="GET",status="401"}`)).toBe(1)
  await expect.poll(() => read(`${requests}{path="other",method="GET",status="404"}`)).toBe(1)
})

test('the first hundred names of operations are kept, and further ones count together', async () => {
  for (let index = 0; index < 120; index++) {
    const body = JSON.stringify({ query: `query Name${index} { hub { version } }` })
    const headers = { 'content-type': 'application/json' }
    await (await fetch(app.addresses.graphql, { method: 'POST', headers, body })).text()
  }
  const text = await print()
  const names = new Set(
    [...text.matchAll(/^twincast_graphql_operation_seconds_count\{operation="(\w+)"/gm)].map(([, name]) => name),
  )
  names.delete('other')
  names.delete('anonymous')
  expect(names.size).toBe(100)
  const query = 'twincast_graphql_operation_seconds_count{operation="other",kind="query",outcome="ok"}'
  expect(await read(query)).toBeGreaterThan(10)
})

test('statements and connections of the database are visible', async () => {
  expect(await read('twincast_database_available')).toBe(1)
  expect(await read('twincast_database_statement_seconds_count{statement="find-job"}')).toBeGreaterThan(0)
  expect(await read('twincast_database_connections{pool="writes"}')).toBeGreaterThan(0)
  expect(await read('twincast_database_connections_limit{pool="writes"}')).toBe(8)
  expect(await print()).not.toMatch(/statement="[a-z-]+-\d+"/)
})

test('the queues of the hub are visible, and empty when nothing waits', async () => {
  const lengths = async () =>
    [...(await print()).matchAll(/^twincast_queue_length\{queue="(\w+)"\} (\d+)$/gm)].map(([, name, value]) => [
      name,
      value,
    ])
  await expect
    .poll(async () => Object.fromEntries(await lengths()))
    .toEqual({
      calls: '0',
      outcomes: '0',
      answers: '0',
      bounded_reads: '0',
      long_turns: '0',
      admissions: '0',
      hints: '0',
    })
})

test('refusals name their cause in the metrics', async () => {
  const refused = (protocol: string, cause: string) =>
    read(`twincast_clients_refused_total{protocol="${protocol}",cause="${cause}"}`)

  await fetch(`${app.addresses.http}/devices/x?api-version=2021-04-12`, { headers: { authorization: 'nonsense' } })
  expect(await refused('REST', 'credential')).toBeGreaterThan(0)

  const before = await refused('GraphQL', 'origin')
  await fetch(app.addresses.graphql, { method: 'POST', headers: { origin: 'https://other.example' } })
  expect(await refused('GraphQL', 'origin')).toBe(before + 1)

  const refuse = async (options: mqtt.IClientOptions): Promise<void> => {
    const client = mqtt.connect({ port: app.mqttPort, reconnectPeriod: 0, ...options })
    client.on('error', () => {})
    await new Promise<void>((resolve) => client.once('close', () => resolve()))
  }
  await refuse({ protocolVersion: 5, clientId: 'x' })
  expect(await refused('MQTT', 'protocol')).toBe(1)
  await refuse({ clientId: 'x', username: 'nonsense' })
  expect(await refused('MQTT', 'identity')).toBe(1)
  await refuse({ clientId: 'x', username: 'localhost/x/?api-version=2021-04-12', password: 'bad' })
  expect(await refused('MQTT', 'credential')).toBe(1)

  const url = app.addresses.graphql.replace('http:', 'ws:')
  const sockets = []
  for (let count = 0; count < 4; count++) {
    const socket = new WebSocket(url, 'graphql-transport-ws')
    sockets.push(socket)
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.once('open', resolve).once('close', () => resolve()))
  }
  expect(await read('twincast_connections_refused_total{reason="sockets"}')).toBeGreaterThan(0)
  expect(await read('twincast_graphql_websockets')).toBeGreaterThan(0)
  for (const socket of sockets) socket.terminate()
})

test('a request above a throttle is counted', async () => {
  const ask = () =>
    fetch(`${app.addresses.http}/devices/query?api-version=2021-04-12`, {
      method: 'POST',
      headers: { authorization: app.ownerToken, 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'SELECT * FROM devices' }),
    })
  await ask()
  expect((await ask()).status).toBe(429)
  expect(await read('twincast_throttled_total{throttle="queries"}')).toBeGreaterThan(0)
})

test.each([
  ['HTTPS_PORT', () => Number(new URL(app.addresses.https).port)],
  ['MQTTS_PORT', () => app.mqttsPort],
])('a failed handshake on %s is counted with its cause', async (variable, port) => {
  const failed = (cause: string) => read(`twincast_tls_handshakes_failed_total{port="${variable}",cause="${cause}"}`)

  const plain = connectTcp(port(), '127.0.0.1')
  plain.on('error', () => {})
  plain.write('GET / HTTP/1.1\r\n\r\n')
  await once(plain, 'close')
  await expect.poll(() => failed('not_tls')).toBe(1)

  const distrustful = connectTls({ port: port(), host: '127.0.0.1', servername: 'localhost' })
  await once(distrustful, 'error')
  await expect.poll(async () => (await failed('certificate')) + (await failed('disconnected'))).toBe(1)

  const weak = connectTls({
    ...{ port: port(), host: '127.0.0.1', rejectUnauthorized: false },
    ...{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
  })
  await once(weak, 'error')
  await expect.poll(() => failed('cipher')).toBe(1)
})

test('the metrics name the version, and no ids of devices or jobs', async () => {
  const text = await print()
  expect(text).toContain(`twincast_build_info{version="${version}",roles="gateway,api,worker"} 1\n`)
  expect(text).not.toMatch(/metrics-[012]/)
})
