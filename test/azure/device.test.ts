import { once } from 'node:events'
import { Agent } from 'node:https'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import iotDevice, { type Client as DeviceClient, type DeviceClientOptions, type Twin } from 'azure-iot-device'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'
import { createClient } from 'graphql-ws'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { makeCertificate } from '../mqtt/certificates.ts'
import { startApp, type TestApp } from '../support/app.ts'

const key = Buffer.alloc(32, 7).toString('base64')
let app: TestApp
let line: Awaited<ReturnType<typeof openLine>>
const clients: DeviceClient[] = []
beforeAll(async () => {
  app = await startApp()
  line = await openLine(app.mqttsPort)
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  expect(app.errors).toEqual([])
})
afterAll(async () => {
  line.close()
  await app.close()
})

/** A line to the hub that can be cut. */
async function openLine(target: number) {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((near) => {
    count++
    const far = connectTcp(target, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    /** Connections that were ever made. */
    get count() {
      return count
    },
    /** Connections that are open. */
    get open() {
      return sockets.size / 2
    },
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Asks the hub as a back end does. */
async function ask<Data>(query: string, variables: object): Promise<Data> {
  const response = await fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

let count = 0

async function givenDevice(authentication: object): Promise<string> {
  const deviceId = `sdk-${++count}`
  const { createDevice } = await ask<{ createDevice: { __typename: string } }>(
    'mutation ($input: CreateDeviceInput!) { createDevice(input: $input) { __typename ... on Error { message } } }',
    { input: { deviceId, authentication } },
  )
  expect(createDevice).toEqual({ __typename: 'CreateDevicePayload' })
  return deviceId
}

const withKeys = { symmetricKey: { primaryKey: key, secondaryKey: key } }

const updateDevice = (deviceId: string, changes: object): Promise<unknown> =>
  ask('mutation ($input: UpdateDeviceInput!) { updateDevice(input: $input) { __typename } }', {
    input: { deviceId, ...changes },
  })

/** Calls the method `echo`; waits for a device that is not there. */
async function call(deviceId: string, payload: unknown, connectTimeoutInSeconds = 20): Promise<unknown> {
  const { invokeDeviceMethod } = await ask<{ invokeDeviceMethod: object }>(
    `mutation ($input: InvokeDeviceMethodInput!) {
      invokeDeviceMethod(input: $input) {
        ... on InvokeDeviceMethodPayload { status payload }
        ... on Error { message }
      }
    }`,
    { input: { deviceId, methodName: 'echo', payload, responseTimeoutInSeconds: 10, connectTimeoutInSeconds } },
  )
  return invokeDeviceMethod
}

const setDesired = (deviceId: string, desired: object): Promise<unknown> =>
  ask('mutation ($input: UpdateTwinInput!) { updateTwin(input: $input) { __typename } }', {
    input: { deviceId, patch: { properties: { desired } } },
  })

async function openClient(text: string, options: DeviceClientOptions, transport = Mqtt): Promise<DeviceClient> {
  const client = iotDevice.Client.fromConnectionString(text, transport)
  await client.setOptions({ ca: app.ca, ...options })
  clients.push(client)
  await client.open()
  return client
}

const throughLine = (deviceId: string, { port } = line): string =>
  `HostName=localhost;DeviceId=${deviceId};SharedAccessKey=${key};GatewayHostName=localhost:${port}`

const echo = (client: DeviceClient): void =>
  client.onDeviceMethod('echo', (request, response) => {
    void response.send(200, request.payload)
  })

/** A device that has everything on: a method, a twin, and an ear for desired properties. */
async function openWholeClient(deviceId: string, options: DeviceClientOptions = {}) {
  const client = await openClient(throughLine(deviceId), options)
  echo(client)
  let value = 0
  let told = 0
  const twin: Twin = await client.getTwin()
  twin.on('properties.desired', (desired: { readonly value?: number }) => {
    told = desired.value ?? 0
  })
  return {
    client,
    /** Whether a method call, a desired change and a read of the twin reach it and come back. */
    async works() {
      const first = value + 1
      expect(await call(deviceId, { first })).toEqual({ status: 200, payload: { first } })
      // Again and again: what comes between two connections is told to nobody.
      const change = async (): Promise<number> => {
        await setDesired(deviceId, { value: ++value })
        return told
      }
      await expect.poll(change).toBeGreaterThanOrEqual(first)
      const read: Twin = await client.getTwin()
      expect(read.properties.desired).toMatchObject({ value })
    },
  }
}

test('what the SDK subscribed to outlives the renewals of its token', async () => {
  const deviceId = await givenDevice(withKeys)
  const before = line.count
  const device = await openWholeClient(deviceId, {
    tokenRenewal: { tokenValidTimeInSeconds: 6, tokenRenewalMarginInSeconds: 3 },
  })
  await device.works()
  await expect.poll(() => line.count - before).toBeGreaterThanOrEqual(3)
  await device.works()
})

test('it outlives a broken connection and a restart of the hub', async () => {
  const deviceId = await givenDevice(withKeys)
  const device = await openWholeClient(deviceId)
  await device.works()
  line.cut()
  await device.works()
  await app.restart()
  await device.works()
})

test('a second client with the same id closes the first', async () => {
  const deviceId = await givenDevice(withKeys)
  const lineOfFirst = await openLine(app.mqttsPort)
  await openClient(throughLine(deviceId, lineOfFirst), {})
  expect(lineOfFirst.open).toBe(1)
  const second = await openClient(throughLine(deviceId), {})
  await expect.poll(() => lineOfFirst.open).toBe(0)
  lineOfFirst.close()
  echo(second)
  expect(await call(deviceId, 'who')).toEqual({ status: 200, payload: 'who' })
})

test.each([
  ['is disabled', { status: 'DISABLED' }],
  [
    'gets other keys',
    { authentication: { symmetricKey: { primaryKey: 'A'.repeat(44), secondaryKey: 'A'.repeat(44) } } },
  ],
])('the client of a device that %s is thrown out, and does not get in again', async (_, change) => {
  const deviceId = await givenDevice(withKeys)
  const client = await openClient(throughLine(deviceId), {})
  echo(client)
  expect(await call(deviceId, 1)).toEqual({ status: 200, payload: 1 })
  const before = line.count
  await updateDevice(deviceId, change)
  // It tries again, for four minutes.
  await expect.poll(() => line.count).toBeGreaterThan(before + 1)
  expect(await call(deviceId, 2, 0)).toHaveProperty('message')
})

test('the SDK finds the hub by a host name with a port, which then stands in its user name and its token', async () => {
  const deviceId = await givenDevice(withKeys)
  const client = await openClient(`HostName=localhost:${app.mqttsPort};DeviceId=${deviceId};SharedAccessKey=${key}`, {})
  echo(client)
  expect(await call(deviceId, 'here')).toEqual({ status: 200, payload: 'here' })
})

test('the SDK comes through a WebSocket, and its session with it', async () => {
  const deviceId = await givenDevice(withKeys)
  const port = Number(new URL(app.addresses.https).port)
  const webSocketAgent = new Agent({ ca: app.ca })
  // The SDK dials port 443, and the agent decides where that is.
  Object.assign(webSocketAgent, {
    createConnection: () => connectTls({ host: 'localhost', port, ca: app.ca, servername: 'localhost' }),
  })
  const text = `HostName=localhost;DeviceId=${deviceId};SharedAccessKey=${key}`
  const client = await openClient(text, { mqtt: { webSocketAgent } }, MqttWs)
  echo(client)
  expect(await call(deviceId, 'x'.repeat(100_000))).toEqual({ status: 200, payload: 'x'.repeat(100_000) })
  const twin: Twin = await client.getTwin()
  await new Promise<void>((resolve, reject) =>
    twin.properties.reported.update({ by: 'WebSocket' }, (error?: Error) => (error ? reject(error) : resolve())),
  )
  await client.sendEvent(new iotDevice.Message('x'.repeat(200_000)))
})

test('the SDK shows a certificate instead of a token', async () => {
  const own = await makeCertificate('any name')
  const deviceId = await givenDevice({
    type: 'SELF_SIGNED',
    x509Thumbprint: { primaryThumbprint: own.sha1, secondaryThumbprint: 'A'.repeat(40) },
  })
  // With certificates the SDK takes no notice of a GatewayHostName.
  const text = `HostName=localhost:${line.port};DeviceId=${deviceId};x509=true`
  const client = await openClient(text, { cert: own.cert, key: own.key })
  echo(client)
  expect(await call(deviceId, true)).toEqual({ status: 200, payload: true })
  const stranger = openClient(text, await makeCertificate('any name'))
  await expect(stranger).rejects.toMatchObject({ name: 'UnauthorizedError' })
})

test('telemetry of the SDK reaches a subscription as it was meant', async () => {
  const deviceId = await givenDevice(withKeys)
  const client = await openClient(throughLine(deviceId), {})
  const backEnd = createClient({ url: app.addresses.graphql.replace('http', 'ws'), webSocketImpl: WebSocket })
  const messages = backEnd.iterate<{ telemetry: object }>({
    query: 'subscription ($deviceId: String!) { telemetry(deviceId: $deviceId) { properties contentType body } }',
    variables: { deviceId },
  })
  const first = messages.next()
  // Nothing tells when a subscription has begun, so it is sent until somebody hears.
  let heard = false
  void first.then(() => {
    heard = true
  })
  const message = new iotDevice.Message('{"t":21}')
  message.messageId = 'm-1'
  message.contentType = 'application/json'
  message.contentEncoding = 'utf-8'
  message.properties.add('level & unit', 'high/°C')
  while (!heard) await client.sendEvent(message)
  expect((await first).value.data).toEqual({
    telemetry: {
      properties: {
        '$.mid': 'm-1',
        '$.ct': 'application/json',
        '$.ce': 'utf-8',
        'level & unit': 'high/°C',
      },
      contentType: 'application/json',
      body: { t: 21 },
    },
  })
  await backEnd.dispose()
})

test('the SDK may ask for cloud-to-device messages, and all else goes on', async () => {
  const deviceId = await givenDevice(withKeys)
  const client = await openClient(throughLine(deviceId), {})
  client.on('message', () => {})
  echo(client)
  expect(await call(deviceId, 1)).toEqual({ status: 200, payload: 1 })
})
