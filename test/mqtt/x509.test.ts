import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDevice, updateDevice } from '../../src/device/commands.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock } from '../support/clock.ts'
import { makeCertificate, type TestCertificate } from './certificates.ts'
import { givenDevice, hubName, startDoor, type TestDoor, tokenOf } from './door.ts'

const day = 86_400_000
/** Registered, as is the one that has signed `branch`. */
let root: TestCertificate
let branch: TestCertificate
let hub: TestDoor
beforeAll(async () => {
  root = await makeCertificate('root', { ca: true })
  const other = await makeCertificate('other root', { ca: true })
  branch = await makeCertificate('branch', { ca: true, issuer: other })
  hub = await startDoor({ deviceCa: root.cert + branch.cert + other.cert })
})
afterAll(() => hub.close())

let count = 0

async function givenX509Device(authentication: object, status?: 'disabled'): Promise<string> {
  const deviceId = `x509(${++count}),=$'`
  await createDevice(hub.deps, everything, { deviceId, authentication, ...(status && { status }) })
  return deviceId
}
const bySha256 = ({ sha256 }: TestCertificate) => ({ x509Thumbprint: { primaryThumbprint: sha256 } })
const byAuthority = { type: 'certificateAuthority' }

type Shown = Pick<TestCertificate, 'cert' | 'key'>

type Changes = { readonly password?: string; readonly port?: number; readonly ca?: string }

/** By TLS, with a certificate and no password unless told otherwise. */
const optionsOf = (deviceId: string, shown: Shown | undefined, changes: Changes = {}): IClientOptions => ({
  protocol: 'mqtts',
  host: 'localhost',
  port: hub.tlsPort,
  ca: hub.ca,
  protocolVersion: 4,
  clientId: deviceId,
  username: `${hubName}/${deviceId}/?api-version=2021-04-12`,
  reconnectPeriod: 0,
  ...(shown && { cert: shown.cert, key: shown.key }),
  ...changes,
})
const connect = (...device: Parameters<typeof optionsOf>): Promise<MqttClient> =>
  mqtt.connectAsync(optionsOf(...device))

/** 0, or the code with which the hub refuses. */
async function returnCodeFor(...device: Parameters<typeof connect>): Promise<unknown> {
  try {
    const client = await connect(...device)
    await client.endAsync()
    return 0
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

describe('a device is let in', () => {
  test('with its own certificate, by either thumbprint in either form', async () => {
    const own = await makeCertificate('anything')
    const other = 'A'.repeat(40)
    for (const x509Thumbprint of [
      { primaryThumbprint: own.sha1 },
      { primaryThumbprint: own.sha256.toUpperCase() },
      { primaryThumbprint: other, secondaryThumbprint: own.sha1.toUpperCase() },
      { primaryThumbprint: other, secondaryThumbprint: own.sha256 },
    ]) {
      expect(await returnCodeFor(await givenX509Device({ x509Thumbprint }), own)).toBe(0)
    }
  })

  test('with a certificate of a registered authority that names it', async () => {
    const deviceId = await givenX509Device(byAuthority)
    expect(await returnCodeFor(deviceId, await makeCertificate(deviceId, { issuer: root }))).toBe(0)
    expect(await returnCodeFor(deviceId, await makeCertificate(deviceId, { issuer: branch }))).toBe(0)
  })

  test('with the certificates that lead to a registered authority', async () => {
    const deviceId = await givenX509Device(byAuthority)
    const between = await makeCertificate('between', { issuer: root, ca: true })
    const own = await makeCertificate(deviceId, { issuer: between })
    expect(await returnCodeFor(deviceId, { ...own, cert: own.cert + between.cert })).toBe(0)
    expect(await returnCodeFor(deviceId, own)).toBe(5)
  })

  test('with a token, whatever certificate it shows besides', async () => {
    const deviceId = await givenDevice(hub)
    expect(await returnCodeFor(deviceId, await makeCertificate('x'), { password: tokenOf(deviceId) })).toBe(0)
  })
})

describe('a device is refused', () => {
  test.each<[string, () => Promise<[string, Shown | undefined, Changes?]>]>([
    [
      'with a certificate of another thumbprint',
      async () => [await givenX509Device(bySha256(await makeCertificate('a'))), await makeCertificate('a')],
    ],
    [
      'with a certificate that has expired',
      async () => {
        const own = await makeCertificate('a', { notAfter: new Date(Date.now() - 60_000) })
        return [await givenX509Device(bySha256(own)), own]
      },
    ],
    [
      'with a certificate that is not valid yet',
      async () => {
        const own = await makeCertificate('a', {
          notBefore: new Date(Date.now() + day),
          notAfter: new Date(Date.now() + 2 * day),
        })
        return [await givenX509Device(bySha256(own)), own]
      },
    ],
    [
      'with its own certificate and a password',
      async () => {
        const own = await makeCertificate('a')
        return [await givenX509Device(bySha256(own)), own, { password: 'x' }]
      },
    ],
    [
      'when it is disabled',
      async () => {
        const own = await makeCertificate('a')
        return [await givenX509Device(bySha256(own), 'disabled'), own]
      },
    ],
    [
      'without a certificate',
      async () => [await givenX509Device(bySha256(await makeCertificate('a'))), undefined, { password: '' }],
    ],
    [
      'with the certificate of another device of its authority',
      async () => [await givenX509Device(byAuthority), await makeCertificate('other', { issuer: root })],
    ],
    [
      'with a certificate that it has signed itself',
      async () => {
        const deviceId = await givenX509Device(byAuthority)
        return [deviceId, await makeCertificate(deviceId)]
      },
    ],
    [
      'with a certificate that another device has signed',
      async () => {
        const deviceId = await givenX509Device(byAuthority)
        const other = await makeCertificate('other', { issuer: root })
        const own = await makeCertificate(deviceId, { issuer: other })
        return [deviceId, { ...own, cert: own.cert + other.cert }]
      },
    ],
    [
      'with a certificate of its authority that has expired',
      async () => {
        const deviceId = await givenX509Device(byAuthority)
        const notAfter = new Date(Date.now() - 60_000)
        return [deviceId, await makeCertificate(deviceId, { issuer: root, notAfter })]
      },
    ],
    [
      'that has keys, with a certificate of a registered authority',
      async () => {
        const deviceId = await givenDevice(hub)
        return [deviceId, await makeCertificate(deviceId, { issuer: root })]
      },
    ],
  ])('%s', async (_, given) => {
    expect(await returnCodeFor(...(await given()))).toBe(5)
  })
})

test('a certificate of another authority of the same name leads nowhere', async () => {
  const deviceId = await givenX509Device(byAuthority)
  const impostor = await makeCertificate('root', { ca: true })
  const own = await makeCertificate(deviceId, { issuer: impostor })
  const client = mqtt.connect(optionsOf(deviceId, own))
  client.on('error', () => {})
  const outcome = await Promise.race(
    (['connect', 'close'] as const).map((event) => new Promise((resolve) => client.once(event, () => resolve(event)))),
  )
  // A bad signature is an error to OpenSSL, which may break the connection off before the answer.
  expect(outcome).toBe('close')
})

test('a connection ends when its device gets other thumbprints, and stays when its certificate is still one of them', async () => {
  const own = await makeCertificate('a')
  const deviceId = await givenX509Device(bySha256(own))
  const client = await connect(deviceId, own)
  let closed = false
  client.on('close', () => {
    closed = true
  })
  const other = 'B'.repeat(64)
  const change = (x509Thumbprint: object) =>
    updateDevice(hub.deps, everything, {
      deviceId,
      ifMatch: '*',
      authentication: { type: 'selfSigned', x509Thumbprint },
    })
  await change({ primaryThumbprint: other, secondaryThumbprint: own.sha1 })
  await client.publishAsync(`devices/${deviceId}/messages/events/`, 'x', { qos: 1 })
  expect(closed).toBe(false)
  await change({ primaryThumbprint: other })
  await expect.poll(() => closed).toBe(true)
})

test('a connection ends five minutes after its certificate', async () => {
  const clock = createTestClock(new Date())
  const timed = await startDoor({ clock })
  const own = await makeCertificate('a', { notAfter: new Date(Date.now() + 60_000) })
  const deviceId = 'timed'
  await createDevice(timed.deps, everything, { deviceId, authentication: bySha256(own) })
  const client = await connect(deviceId, own, { port: timed.tlsPort, ca: timed.ca })
  const closed = new Promise<void>((resolve) => client.once('close', resolve))
  clock.advance(60_000 + 290_000)
  await clock.asleep()
  await client.publishAsync(`devices/${deviceId}/messages/events/`, 'x', { qos: 1 })
  clock.advance(20_000)
  await closed
  expect(client.connected).toBe(false)
  await timed.close()
})
