import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Target } from '../../bench/attack-target.ts'
import { fleetInputs, idOf } from '../../bench/attacked-fleet.ts'
import { type Answer, answerOf, attacks } from '../../bench/attacks.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { graphql } from '../../src/generated/graphql/gql.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { CreateDevices } from './operations.ts'

// The benchmarks S8 to S10 in short: the same attacks on the same devices, a few connections each. What is looked at is
// how the hub answers each of them (the page of GraphiQL is there when the console was built), and that others are served.

const deviceCount = 120
const connectionCount = 2
const ownerKey = Buffer.from('a key of sixteen bytes').toString('base64')
let app: TestApp
/** One for each connection, with a device of its own: a second connection of a device would end the first. */
let targets: readonly Target[]

const portOf = (address: string): number => Number(new URL(address).port)

/** The primary keys of the devices. */
async function register(): Promise<readonly string[]> {
  const keys: string[] = []
  for (const devices of fleetInputs(deviceCount)) {
    const { createDevices } = await app.client.execute(CreateDevices, { input: { devices } })
    if (createDevices?.__typename !== 'CreateDevicesPayload') throw new Error('the devices were not created')
    for (const result of createDevices.results) {
      if (result.__typename !== 'CreateDevicePayload') throw new Error('a device was not created')
      keys.push(result.device?.authentication?.symmetricKey?.primaryKey ?? '')
    }
  }
  return keys
}

beforeAll(async () => {
  app = await startApp({ IOTHUB_OWNER_KEY: ownerKey, GRAPHIQL: 'true' })
  const keys = await register()
  targets = keys.slice(0, connectionCount).map((key, index) => ({
    httpPort: portOf(app.addresses.http),
    httpsPort: portOf(app.addresses.https),
    mqttPort: app.mqttPort,
    mqttsPort: app.mqttsPort,
    serviceToken: app.ownerToken,
    device: {
      deviceId: idOf(index),
      password: signSasToken({
        resource: encodeURIComponent(`localhost/devices/${idOf(index)}`),
        key,
        expiry: Math.floor(Date.now() / 1000) + 3600,
      }),
    },
  }))
})
afterAll(() => app.close())

const ReadDevice = graphql(/* GraphQL */ `
  query AttackedReadDevice($deviceId: String!) {
    device(deviceId: $deviceId) {
      deviceId
    }
  }
`)

const endOf = (answer: Answer): string =>
  typeof answer === 'object' ? `is refused (${answer.refused})` : `is ${answer}`
const sentences = attacks.map(
  (attack) => [`a ${attack.who} that ${attack.what} ${endOf(attack.answer)}`, attack] as const,
)

test.for(sentences)('%s, and an honest client is served meanwhile', async ([, attack], { signal }) => {
  const attacking = Promise.all(targets.map((target) => attack.once(target, signal)))
  for (let index = 1; index <= 5; index++) {
    const deviceId = idOf(index)
    expect(await app.client.execute(ReadDevice, { deviceId })).toEqual({ device: { deviceId } })
  }
  const seen = await attacking
  if (attack.answer !== 'not awaited') expect(seen.map(answerOf)).toEqual(targets.map(() => attack.answer))
  expect(await app.client.execute(ReadDevice, { deviceId: idOf(0) })).toEqual({ device: { deviceId: idOf(0) } })
  expect(app.errors).toEqual([])
})
