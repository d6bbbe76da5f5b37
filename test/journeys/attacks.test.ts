import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Target } from '../../bench/attack-target.ts'
import { attacks } from '../../bench/attacks.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { graphql } from '../../src/generated/graphql/gql.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'

// The benchmarks S8 to S10 in short: the same attacks, a few connections each. What is looked at is who is served.

const connectionCount = 3
const ownerKey = Buffer.from('a key of sixteen bytes').toString('base64')
let app: TestApp
let target: Target

const portOf = (address: string): number => Number(new URL(address).port)

beforeAll(async () => {
  app = await startApp({ IOTHUB_OWNER_KEY: ownerKey })
  const [device] = await registerFleet(app.client, 'attacked', 120, () => ({ kind: 'answer' }))
  if (device === undefined) throw new Error('no device was registered')
  const { deviceId, primaryKey } = device
  target = {
    httpPort: portOf(app.addresses.http),
    httpsPort: portOf(app.addresses.https),
    mqttPort: app.mqttPort,
    mqttsPort: app.mqttsPort,
    serviceToken: app.ownerToken,
    device: {
      deviceId,
      password: signSasToken({
        resource: encodeURIComponent(`localhost/devices/${deviceId}`),
        key: primaryKey,
        expiry: Math.floor(Date.now() / 1000) + 3600,
      }),
    },
  }
})
afterAll(() => app.close())

const ReadDevice = graphql(/* GraphQL */ `
  query AttackedReadDevice($deviceId: String!) {
    device(deviceId: $deviceId) {
      deviceId
    }
  }
`)

// First, while the twins are small: with those that attack 20 leaves, the answer is larger than the hub allows.
const executed = attacks.flatMap(({ what, query }) => (query === undefined ? [] : [[what, query] as const]))

test.for(executed)('the hub does not refuse a service that %s', async ([, query]) => {
  const response = await fetch(`${app.addresses.http}/graphql`, {
    method: 'POST',
    headers: { authorization: app.ownerToken, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  expect(await response.json()).toEqual({ data: expect.anything() })
})

const sentences = attacks.map((attack) => [`a ${attack.who} ${attack.what}`, attack] as const)

test.for(sentences)('an honest client is served while %s', async ([, attack], { signal }) => {
  const attacking = Promise.all(Array.from({ length: connectionCount }, () => attack.once(target, signal)))
  for (let count = 0; count < 5; count++) {
    const deviceId = `attacked-${count + 1}`
    expect(await app.client.execute(ReadDevice, { deviceId })).toEqual({ device: { deviceId } })
  }
  await attacking
  expect(await app.client.execute(ReadDevice, { deviceId: 'attacked-0' })).toEqual({
    device: { deviceId: 'attacked-0' },
  })
  expect(app.errors).toEqual([])
})
