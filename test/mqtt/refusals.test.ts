import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { settlePolicies } from '../../src/access/commands.ts'
import { createDevice } from '../../src/device/commands.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import {
  connectPacket,
  connectRaw,
  createQueue,
  givenDevice,
  hubName,
  openRaw,
  primaryKey,
  publishPacketOf,
  startDoor,
  type TestDoor,
  tokenOf,
} from './door.ts'

const wrongKey = 'd3Jvbmd3cm9uZ3dyb25nd3Jvbmd3cm9uZ3dyb25nMTI='
type Line = { readonly reason: string; readonly address: string; readonly deviceId: string; readonly times?: number }
const lines = createQueue<string>()
const nextLine = async (): Promise<Line> => JSON.parse(await lines.next())

let clock: TestClock
let hub: TestDoor
const policyKeys: Record<string, string> = {}
beforeAll(async () => {
  clock = createTestClock(new Date())
  hub = await startDoor({ clock, log: pino({ level: 'info', base: null }, { write: lines.add }) })
  await settlePolicies(hub.deps, wrongKey, undefined)
  const { rows } = await hub.deps.database.pool.query('select name, primary_key from policy')
  for (const row of rows) policyKeys[row.name] = row.primary_key
})
afterAll(() => hub.close())

async function refuse(deviceId: string, changes: object): Promise<void> {
  const device = await openRaw(hub.port)
  device.write(connectPacket(deviceId, changes))
  expect(await device.next()).toMatchObject({ cmd: 'connack', returnCode: 5 })
  expect(await device.next()).toBe('closed')
}

const token = (credential: Parameters<typeof tokenOf>[1]) => (deviceId: string) => ({
  password: Buffer.from(tokenOf(deviceId, credential)),
})
const userName = (text: string) => (deviceId: string) => ({ username: text.replace('{id}', deviceId) })
const will = (topic: string) => () => ({ will: { topic, payload: 'x', qos: 0, retain: false } })
const policy = (policyName: string, key?: string) => (deviceId: string) =>
  token({ policyName, key: key ?? policyKeys[policyName] ?? '', resource: hubName })(deviceId)
const before = (seconds: number): number => Math.floor(clock.now().getTime() / 1000) - seconds

test.each<[string, (deviceId: string) => object]>([
  ['the user name is not {hub}/{deviceId}/?api-version=…', userName('x')],
  ['the client id differs from the device id in the user name', userName(`${hubName}/other/?api-version=2021-04-12`)],
  ['the user name names another hub', userName('other.example.test/{id}/?api-version=2021-04-12')],
  ['the client id or user name contains U+0000 or is not UTF-8', userName(`${hubName}/{id}/?x=\0`)],
  ['the will message is not telemetry of this device', will('a/b')],
  ['the password is not a shared access signature', () => ({ password: Buffer.from('secret') })],
  ['the password is not UTF-8', () => ({ password: Buffer.of(0x53, 0xff) })],
  ['the client has neither a password nor a certificate', () => ({ password: Buffer.alloc(0) })],
  ['the token is for another resource', () => token({})('device-0')],
  ['the token is for another resource', token({ host: 'other.example.test' })],
  ['the token has expired', (id) => token({ expiry: before(600) })(id)],
  ['the token is signed with another key', token({ key: wrongKey })],
  ['the token names an unknown policy', policy('nobody', wrongKey)],
  ['the token is signed with another key', policy('device', primaryKey)],
  ['the policy does not have the right deviceConnect', (id) => policy('service')(id)],
])('the log says: %s', async (reason, changes) => {
  const deviceId = await givenDevice(hub)
  await refuse(deviceId, changes(deviceId))
  expect(await nextLine()).toMatchObject({
    level: 30,
    protocol: 'MQTT',
    reason,
    address: '127.0.0.1',
    deviceId,
    msg: 'client refused',
  })
})

test('the log says that a device is unknown, disabled or registered otherwise', async () => {
  await refuse('nobody', {})
  expect(await nextLine()).toMatchObject({ reason: 'unknown device', deviceId: 'nobody' })
  const disabled = await givenDevice(hub, { status: 'disabled' })
  await refuse(disabled, {})
  expect(await nextLine()).toMatchObject({ reason: 'the device is disabled' })
  await refuse(disabled, token({ key: wrongKey })(disabled))
  expect(await nextLine()).toMatchObject({ reason: 'the token is signed with another key' })
  await createDevice(hub.deps, everything, { deviceId: 'certified', authentication: { type: 'certificateAuthority' } })
  await refuse('certified', {})
  expect(await nextLine()).toMatchObject({
    reason: 'the client has a token, but the device is not registered with keys',
  })
})

test('equal refusals of a device are counted, and no line holds its token', async () => {
  const deviceId = await givenDevice(hub)
  const changes = token({ key: wrongKey })(deviceId)
  for (let i = 0; i < 5; i++) await refuse(deviceId, changes)
  const first = await lines.next()
  expect(first).not.toContain('sig=')
  expect(first).not.toContain('SharedAccessSignature')
  expect(lines.length).toBe(0)
  clock.advance(60_000)
  expect(await nextLine()).toMatchObject({ deviceId, reason: 'the token is signed with another key', times: 4 })
})

test('the log says why a connection was closed that had been let in', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  device.write(publishPacketOf('a/b'))
  expect(await device.next()).toBe('closed')
  expect(await nextLine()).toMatchObject({
    reason: 'the device published to a topic that is not allowed for devices',
    address: '127.0.0.1',
    deviceId,
  })
})
