import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signSasToken } from '../../src/access/sas.ts'
import { startApp, type TestApp } from '../support/app.ts'

// What `az iot` sends, byte for byte, over a socket to the whole hub. The requests were recorded from the service client
// of the Azure CLI's extension azure-iot 0.25.0 (on msrest 0.6.21 and requests 2.28.1), called as the extension's
// commands call it. Other than in the recording are the name of the hub, the token, the id and the length of a request.
// By the command line, the extension of Azure CLI 2.45 was seen to send the timeouts of invoke-device-method as text
// when none is given: that request was recorded with text in their place.

const key = Buffer.alloc(32, 7).toString('base64')
const expiry = Math.floor(Date.now() / 1000) + 3600

let app: TestApp
let socket: TLSSocket
beforeAll(async () => {
  app = await startApp({ IOTHUB_OWNER_KEY: key })
  const { port } = new URL(app.addresses.https)
  socket = connect({ port: Number(port), host: '127.0.0.1', servername: 'localhost', ca: app.ca })
  await once(socket, 'secureConnect')
})
afterAll(async () => {
  socket.destroy()
  await app.close()
})

/** A request: what begins the recorded one up to its target, the headers that its command adds, and its body. */
type Recorded = { readonly line: string; readonly headers?: readonly string[]; readonly body?: string }

function textOf({ line, headers = [], body }: Recorded): string {
  const verb = line.split(' ', 1)[0]
  const length = body === undefined ? (verb === 'GET' ? [] : ['Content-Length: 0']) : [`Content-Length: ${body.length}`]
  return [
    `${line} HTTP/1.1`,
    'Host: localhost',
    'User-Agent: python/3.11.7 (Linux-6.1.0-x86_64-with-glibc2.36) msrest/0.6.21 msrest_azure/0.6.4 iothubgatewayserviceapis/2024-03-31 Azure-SDK-For-Python IoTPlatformCliExtension/0.25.0',
    'Accept-Encoding: gzip, deflate',
    'Accept: application/json',
    'Connection: keep-alive',
    `Authorization: ${tokenInItsOrder()}`,
    'Content-Type: application/json; charset=utf-8',
    'x-ms-client-request-id: 7c8c1d3a-eb43-11f1-bdde-02fc00000001',
    ...headers,
    'accept-language: en-US',
    ...length,
    '',
    body ?? '',
  ].join('\r\n')
}

/** The extension puts the name of the policy last. */
function tokenInItsOrder(): string {
  const token = signSasToken({ resource: 'localhost', key, expiry, policyName: 'iothubowner' })
  return token.replace(/(&skn=[^&]*)(&se=\d+)/, '$2$1')
}

// biome-ignore lint/suspicious/noExplicitAny: what is tested is whether it has the shape that the test says
type Reply = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: any }

/** Sends a request on the one connection that all use, as the extension's session does. */
async function send(recorded: Recorded): Promise<Reply> {
  socket.write(textOf(recorded))
  let received = Buffer.alloc(0)
  for (;;) {
    const end = received.indexOf('\r\n\r\n')
    if (end >= 0) {
      const [first = '', ...lines] = received.subarray(0, end).toString().split('\r\n')
      const headers = new Map(
        lines.map((line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')]),
      )
      const length = Number(headers.get('content-length') ?? 0)
      const body = received.subarray(end + 4)
      if (body.length >= length) {
        const text = body.toString()
        return { status: Number(first.split(' ')[1]), headers, body: text === '' ? undefined : JSON.parse(text) }
      }
    }
    const [chunk]: unknown[] = await once(socket, 'data')
    if (!Buffer.isBuffer(chunk)) throw new Error('no bytes')
    received = Buffer.concat([received, chunk])
  }
}

const any = 'If-Match: "*"'
const fresh = 'Cache-Control: no-cache, must-revalidate'
const createDevice: Recorded = {
  line: 'PUT /devices/d1?api-version=2024-03-31',
  body: '{"deviceId": "d1", "status": "enabled", "authentication": {"symmetricKey": {}, "type": "sas"}, "capabilities": {"iotEdge": false}}',
}
const showTwin: Recorded = { line: 'GET /twins/d1?api-version=2024-03-31' }

test('device-identity create makes the keys, and show reads them', async () => {
  const { status, body } = await send(createDevice)
  expect([status, body.deviceId, body.status]).toEqual([200, 'd1', 'enabled'])
  expect(body.authentication.symmetricKey.primaryKey).toHaveLength(44)
  expect((await send({ line: 'GET /devices/d1?api-version=2024-03-31' })).body).toMatchObject({
    deviceId: 'd1',
    authentication: body.authentication,
  })
  const again = await send(createDevice)
  expect([again.status, again.body.Message]).toEqual([409, expect.stringContaining('DeviceAlreadyExists')])
})

test('device-twin update --set sends the whole twin back, and writes what was set', async () => {
  const { status, body } = await send({
    line: 'PATCH /twins/d1?api-version=2024-03-31',
    headers: [any],
    body: '{"deviceId": "d1", "tags": {"room": 12}, "properties": {"desired": {"$metadata": {"$lastUpdated": "2026-01-01T00:00:00.000Z", "$lastUpdatedVersion": 1}, "$version": 1}, "reported": {"$metadata": {"$lastUpdated": "2026-01-01T00:00:00.000Z"}, "$version": 1}}, "etag": "AAAAAAAAAAE=", "version": 2, "deviceEtag": "AAAAAAAAAAE=", "status": "enabled", "statusUpdateTime": "0001-01-01T00:00:00.000Z", "connectionState": "Disconnected", "lastActivityTime": "0001-01-01T00:00:00.000Z", "cloudToDeviceMessageCount": 0, "authenticationType": "sas", "x509Thumbprint": {}, "capabilities": {"iotEdge": false}}',
  })
  expect([status, body.tags, body.properties.desired.$version]).toEqual([200, { room: 12 }, 1])
  expect((await send(showTwin)).body).toEqual(body)
})

test('device-twin update --tags sends the patch alone, in ASCII', async () => {
  const { status, body } = await send({
    line: 'PATCH /twins/d1?api-version=2024-03-31',
    headers: [any],
    body: '{"tags": {"room": "Raum \\u00fc"}}',
  })
  expect([status, body.tags]).toEqual([200, { room: 'Raum ü' }])
})

test('device-twin replace sends a whole twin', async () => {
  const { status, body } = await send({
    line: 'PUT /twins/d1?api-version=2024-03-31',
    headers: [any],
    body: '{"deviceId": "d1", "etag": "AAAAAAAAAAE=", "deviceEtag": "AAAAAAAAAAE=", "status": "enabled", "statusUpdateTime": "0001-01-01T00:00:00Z", "connectionState": "Disconnected", "lastActivityTime": "0001-01-01T00:00:00Z", "cloudToDeviceMessageCount": 0, "authenticationType": "sas", "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "modelId": "", "version": 2, "capabilities": {"iotEdge": false}, "tags": {"room": 12}, "properties": {"desired": {"$metadata": {"$lastUpdated": "2026-01-01T00:00:00.000Z", "$lastUpdatedVersion": 1}, "$version": 1}, "reported": {"$metadata": {"$lastUpdated": "2026-01-01T00:00:00.000Z"}, "$version": 1}}}',
  })
  expect([status, body.tags]).toEqual([200, { room: 12 }])
})

test.each(['30', '"30"'])('invoke-device-method reaches the device with timeouts of %s', async (seconds) => {
  const { body: device } = await send({ line: 'GET /devices/d1?api-version=2024-03-31' })
  const client = await mqtt.connectAsync({
    protocol: 'mqtt',
    host: '127.0.0.1',
    port: app.mqttPort,
    protocolVersion: 4,
    clientId: 'd1',
    username: 'localhost/d1/?api-version=2021-04-12',
    password: signSasToken({
      resource: encodeURIComponent('localhost/devices/d1'),
      key: device.authentication.symmetricKey.primaryKey,
      expiry,
    }),
    reconnectPeriod: 0,
  })
  client.on('message', (topic) => {
    client.publish(`$iothub/methods/res/200/?$rid=${topic.split('$rid=')[1]}`, '{"ok":true}')
  })
  await client.subscribeAsync('$iothub/methods/POST/#')
  const { status, body } = await send({
    line: 'POST /twins/d1/methods?api-version=2024-03-31',
    body: `{"methodName": "reboot", "payload": {}, "responseTimeoutInSeconds": ${seconds}, "connectTimeoutInSeconds": ${seconds}}`,
  })
  await client.endAsync()
  expect([status, body]).toEqual([200, { status: 200, payload: { ok: true } }])
})

test('job create, show, list and cancel', async () => {
  const created = await send({
    line: 'PUT /jobs/v2/job-1?api-version=2024-03-31',
    body: '{"jobId": "job-1", "type": "scheduleUpdateTwin", "updateTwin": {"tags": {"a": 1}, "etag": "*"}, "queryCondition": "deviceId=\'d1\'", "maxExecutionTimeInSeconds": 3600}',
  })
  expect([created.status, created.body]).toEqual([
    200,
    { jobId: 'job-1', type: 'scheduleUpdateTwin', status: expect.any(String) },
  ])
  // As `--wait` does.
  await expect
    .poll(async () => (await send({ line: 'GET /jobs/v2/job-1?api-version=2024-03-31' })).body.status, {
      timeout: 20_000,
    })
    .toBe('completed')
  expect((await send(showTwin)).body.tags).toEqual({ room: 12, a: 1 })

  const list = async (query: string, headers: readonly string[]) => {
    const { body } = await send({ line: `GET /jobs/v2/query?api-version=2024-03-31${query}`, headers })
    return body.map(({ jobId }: { jobId: string }) => jobId)
  }
  expect(await list('', [fresh])).toEqual(['job-1'])
  const filter = '&jobType=scheduleUpdateTwin&jobStatus=completed'
  expect(await list(filter, [fresh, 'x-ms-max-item-count: 5'])).toEqual(['job-1'])
  // It lists the jobs of the first version after these.
  expect((await send({ line: 'GET /jobs?api-version=2024-03-31' })).body).toEqual([])

  const cancelled = await send({ line: 'POST /jobs/v2/job-1/cancel?api-version=2024-03-31' })
  expect([cancelled.status, cancelled.body.Message]).toEqual([
    405,
    expect.stringContaining("Job cannot be cancelled in 'Completed' status."),
  ])
})

test('job create of a method gives times and numbers as the command line had them', async () => {
  const { status } = await send({
    line: 'PUT /jobs/v2/job-2?api-version=2024-03-31',
    body: '{"jobId": "job-2", "type": "scheduleDeviceMethod", "cloudToDeviceMethod": {"methodName": "reboot", "payload": {"a": 1}, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 30}, "queryCondition": "*", "startTime": "2026-01-01T12:00:00.000Z", "maxExecutionTimeInSeconds": 3600}',
  })
  expect(status).toBe(200)
  expect((await send({ line: 'GET /jobs/v2/job-2?api-version=2024-03-31' })).body).toMatchObject({
    maxExecutionTimeInSeconds: 3600,
    cloudToDeviceMethod: { payload: { a: 1 }, responseTimeoutInSeconds: 30, connectTimeoutInSeconds: 30 },
  })
})

test('query reads twins and device jobs, in pages of any size', async () => {
  const line = 'POST /devices/query?api-version=2024-03-31'
  const twins = await send({
    line,
    headers: [fresh],
    body: '{"query": "select * from devices where tags.room = 12"}',
  })
  expect(twins.body).toMatchObject([{ deviceId: 'd1' }])
  expect([twins.headers.get('x-ms-item-type'), twins.headers.has('x-ms-continuation')]).toEqual(['Twin', false])
  const rows = await send({
    line,
    headers: [fresh, 'x-ms-max-item-count: 1500'],
    body: '{"query": "select * from devices.jobs where devices.jobs.jobId = \'job-1\'"}',
  })
  expect(rows.body).toMatchObject([
    { deviceId: 'd1', jobId: 'job-1', jobType: 'scheduleUpdateTwin', status: 'completed' },
  ])
})

test.each([
  ['configuration list', 'GET /configurations?api-version=2024-03-31&top=100', /no automatic device configurations/],
  ['module-identity list', 'GET /devices/d1/modules?api-version=2024-03-31', /no modules/],
])('%s is told in the form it reads that there are none', async (_command, line, text) => {
  const { status, headers, body } = await send({ line })
  expect([status, headers.get('iothub-errorcode')]).toEqual([404, 'GenericNotFound'])
  expect(body.Message).toMatch(text)
})

test('device-identity delete', async () => {
  const line = 'DELETE /devices/d1?api-version=2024-03-31'
  expect((await send({ line, headers: [any] })).status).toBe(204)
  expect((await send({ line, headers: [any] })).status).toBe(404)
})
