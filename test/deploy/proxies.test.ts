import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import * as https from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { signSasToken } from '../../src/access/sas.ts'
import { readConfig } from '../../src/config.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { freePorts } from '../support/ports.ts'
import { findNginxStream, findProgram } from '../support/programs.ts'
import { type RunningProxy, runProxy } from '../support/run-proxy.ts'

/** The examples, as they stand in the repository. */
const files = { nginx: 'nginx/nginx.conf', haproxy: 'haproxy/haproxy.cfg' } as const
const read = (file: string): string => readFileSync(resolve(import.meta.dirname, '../../deploy', file), 'utf8')
const variablesIn = (file: string): Record<string, string> =>
  Object.fromEntries([...read(file).matchAll(/^# {3}(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]))

const key = Buffer.alloc(32, 7).toString('base64')
const deviceId = 'pump'
const expiry = Math.floor(Date.now() / 1000) + 3_600
const token = signSasToken({ resource: 'hub.example', key, expiry, policyName: 'iothubowner' })
let app: TestApp
/** The certificate of the proxies. */
let pem: { readonly cert: string; readonly key: string; readonly ca: string | undefined }
let folder: string
beforeAll(async () => {
  const variables = variablesIn(files.nginx)
  const ports = { HTTP_PORT: '0', MQTT_PORT: 'off', MQTTS_PORT: '0' }
  app = await startApp({ ...variables, ...ports, IOTHUB_OWNER_KEY: key })
  folder = await mkdtemp(join(tmpdir(), 'twincast-proxies-'))
  pem = await loadOrMakeCertificate(folder, { hostNames: ['hub.example'], now: new Date() })
  await writeFile(join(folder, 'hub.pem'), pem.cert)
  await writeFile(join(folder, 'hub.key'), pem.key)
  await writeFile(join(folder, 'hub-with-key.pem'), pem.cert + pem.key)
  await ask('mutation ($device: CreateDeviceInput!) { createDevice(input: $device) { __typename } }', {
    device: { deviceId, authentication: { symmetricKey: { primaryKey: key, secondaryKey: key } } },
  })
})
afterAll(async () => {
  await app.close()
  await rm(folder, { recursive: true, force: true })
})

test('the examples are for one configuration of the hub, whose settings they use', () => {
  expect(variablesIn(files.haproxy)).toEqual(variablesIn(files.nginx))
  const { http, https, mqtts } = readConfig(variablesIn(files.nginx), '/')
  expect(https).toBeUndefined()
  for (const file of Object.values(files)) {
    for (const port of [http, mqtts]) expect(read(file)).toContain(`${port?.host}:${port?.port}`)
  }
})

/** The answer to a query or mutation, without a proxy. */
async function ask(query: string, variables: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: token, host: 'hub.example' }
  const body = JSON.stringify({ query, variables })
  return (await fetch(app.addresses.graphql, { method: 'POST', headers, body })).json()
}

const isMissing = {
  nginx: findProgram('nginx') === undefined || findNginxStream() === undefined,
  haproxy: findProgram('haproxy') === undefined,
}

describe.each(['nginx', 'haproxy'] as const)('%s', (name) => {
  let proxy: RunningProxy | undefined
  let web = 0
  let devices = 0
  beforeAll(async () => {
    if (isMissing[name]) return
    ;[web = 0, devices = 0] = await freePorts(2)
    const ports = { web: new URL(app.addresses.http).port, devices: app.mqttsPort }
    const changes: readonly (readonly [RegExp, string])[] = [
      [/(listen|bind) :?443 /, `$1 127.0.0.1:${web} `],
      [/(listen|bind) :?8883\b/, `$1 127.0.0.1:${devices}`],
      [/127\.0\.0\.1:4000\b/, `127.0.0.1:${ports.web}`],
      [/127\.0\.0\.1:8884\b/, `127.0.0.1:${ports.devices}`],
      [/\/etc\/twincast\//g, `${folder}/`],
      ...(name === 'haproxy' ? [[/check port 4000\b/, `check port ${ports.web}`] as const] : []),
    ]
    const configuration = changes.reduce((text, [pattern, changed]) => {
      expect(text).toMatch(pattern)
      return text.replace(pattern, changed)
    }, read(files[name]))
    proxy = await runProxy(name, configuration, [web, devices])
  })
  afterAll(() => proxy?.close())

  const request = (path: string, options: https.RequestOptions, body = '') => {
    const headers = { host: `hub.example:${web}`, authorization: token, ...options.headers }
    const address = { host: '127.0.0.1', port: web, servername: 'hub.example', ca: pem.ca, agent: false }
    const asked = https.request({ ...address, path, ...options, headers }).end(body)
    // An answer that was not read to its end is cut off when the proxy stops.
    return asked.on('response', (answer) => answer.on('error', () => {}))
  }
  const twinUpdated = { query: `subscription { twinUpdated(deviceId: "${deviceId}") { version } }` }
  const patch = () =>
    fetch(`${app.addresses.http}/twins/${deviceId}?api-version=2021-04-12`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', authorization: token },
      body: JSON.stringify({ properties: { desired: { changed: Math.random() } } }),
    })

  test.skipIf(isMissing[name])('passes on GraphQL, and REST with a token for the name of the hub', async () => {
    const query = JSON.stringify({ query: '{ viewer { name } }' })
    const asked = request('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' } }, query)
    const [answer] = await once(asked, 'response')
    expect(JSON.parse(await text(answer))).toEqual({ data: { viewer: { name: 'iothubowner' } } })
    const [device] = await once(request(`/devices/${deviceId}?api-version=2021-04-12`, {}), 'response')
    expect([device.statusCode, JSON.parse(await text(device))]).toMatchObject([200, { deviceId }])
    const [refused] = await once(
      request('/devices?api-version=2021-04-12', { headers: { authorization: '' } }),
      'response',
    )
    expect(refused.statusCode).toBe(401)
  })

  test.skipIf(isMissing[name])('passes on WebSockets of pages of the hub, and no others', async () => {
    const open = (origin: string) =>
      new WebSocket(`wss://localhost:${web}/graphql`, 'graphql-transport-ws', {
        ca: pem.ca,
        headers: { host: `hub.example:${web}` },
        origin,
      })
    const socket = open(`https://hub.example:${web}`)
    await once(socket, 'open')
    const messages: unknown[] = []
    socket.on('message', (message) => messages.push(JSON.parse(String(message))))
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: token } }))
    await expect.poll(() => messages).toMatchObject([{ type: 'connection_ack' }])
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: twinUpdated }))
    await expect.poll(() => messages).toMatchObject([{}, { type: 'next' }])
    await patch()
    await expect.poll(() => messages).toMatchObject([{}, {}, { type: 'next' }])
    socket.terminate()
    const [error] = await once(open('https://other.example'), 'error')
    expect(error.message).toContain('403')
  })

  test.skipIf(isMissing[name])('passes on event streams, each event at once', async () => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
    const asked = request('/graphql', { method: 'POST', headers }, JSON.stringify(twinUpdated))
    const [stream] = await once(asked, 'response')
    expect(stream.headers['content-type']).toContain('text/event-stream')
    const events: string[] = []
    const lines = createInterface({ input: stream })
    lines.on('error', () => {}) // the stream is cut off at the end
    lines.on('line', (line) => {
      if (line.startsWith('data:') && line.includes('version')) events.push(line)
    })
    await expect.poll(() => events.length).toBe(1)
    await patch()
    await expect.poll(() => events.length).toBe(2)
    asked.destroy()
  })

  test.skipIf(isMissing[name])('passes on MQTT, for which the hub terminates TLS', async () => {
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${devices}`, {
      clientId: deviceId,
      username: `hub.example/${deviceId}/?api-version=2021-04-12`,
      password: signSasToken({ resource: `hub.example%2Fdevices%2F${deviceId}`, key, expiry }),
      ca: app.ca,
      servername: 'hub.example',
      protocolVersion: 4,
      reconnectPeriod: 0,
    })
    await client.publishAsync(`devices/${deviceId}/messages/events/`, 'hello', { qos: 1 })
    expect(client.connected).toBe(true)
    await client.endAsync()
  })
})
