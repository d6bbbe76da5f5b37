import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../src/generated/graphql/gql.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { findProgram } from '../support/programs.ts'
import { type Credentials, callRest, givenDevice, runClient } from './device.ts'

// Devices made of mosquitto's command lines, with TLS: clients that nobody here wrote.

const subscribe = findProgram('mosquitto_sub')
const publish = findProgram('mosquitto_pub')
let app: TestApp
let folder: string
let caFile: string
beforeAll(async () => {
  app = await startApp()
  folder = await mkdtemp(join(tmpdir(), 'twincast-mosquitto-'))
  caFile = join(folder, 'ca.pem')
  await writeFile(caFile, app.ca)
})
afterAll(async () => {
  await app.close()
  await rm(folder, { recursive: true, force: true })
})

const Telemetry = graphql(/* GraphQL */ `
  subscription ClientsTelemetry($deviceId: String!) {
    telemetry(deviceId: $deviceId) {
      properties
      body
    }
  }
`)

const options = ({ deviceId, userName, password }: Credentials): string[] => [
  ...['-h', 'localhost', '-p', String(app.mqttsPort), '--cafile', caFile, '-V', 'mqttv311'],
  ...['-i', deviceId, '-u', userName, '-P', password],
]

test.runIf(subscribe)(
  'mosquitto_sub may ask for messages to the device, and hears calls and desired properties',
  async () => {
    const device = await givenDevice(app, 'mosquitto-sub')
    const filters = [
      `devices/${device.deviceId}/messages/devicebound/#`,
      '$iothub/methods/POST/#',
      '$iothub/twin/PATCH/properties/desired/#',
    ]
    const client = runClient(subscribe ?? '', [
      ...options(device),
      ...['-q', '1', '-F', '%t %p'],
      ...filters.flatMap((filter) => ['-t', filter]),
    ])
    const called = callRest(app, 'POST', `/twins/${device.deviceId}/methods`, {
      methodName: 'reboot',
      payload: 'now',
      connectTimeoutInSeconds: 30,
      responseTimeoutInSeconds: 5,
    })
    expect(await client.nextLine()).toMatch(/^\$iothub\/methods\/POST\/reboot\/\?\$rid=\S+ "now"$/)
    await callRest(app, 'PATCH', `/twins/${device.deviceId}`, { properties: { desired: { interval: 5 } } })
    expect(await client.nextLine()).toBe(
      '$iothub/twin/PATCH/properties/desired/?$version=2 {"interval":5,"$version":2}',
    )
    await client.stop()
    // It heard the call and cannot answer: the call is over when the connection is.
    expect(await called).toHaveProperty('Message')
  },
)

test.runIf(publish)('what mosquitto_pub sends arrives as telemetry, line by line', async () => {
  const device = await givenDevice(app, 'mosquitto-pub')
  const updates = app.client.subscribe(Telemetry, { deviceId: device.deviceId })[Symbol.asyncIterator]()
  let heard: unknown
  const first = updates.next().then(({ value }) => {
    heard = value
  })
  const topic = `devices/${device.deviceId}/messages/events/level=high&%24.ct=application%2Fjson&%24.ce=utf-8`
  const client = runClient(publish ?? '', [...options(device), '-q', '1', '-t', topic, '-l'])
  // The subscription begins when it does: until then nothing is kept for it.
  await expect
    .poll(() => {
      client.write('{"temperature":21}\n')
      return heard
    })
    .toMatchObject({ telemetry: { body: { temperature: 21 } } })
  await first
  await client.stop()
  await updates.return?.()
})
