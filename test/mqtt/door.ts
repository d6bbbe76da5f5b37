import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { signSasToken } from '../../src/access/sas.ts'
import type { Clock } from '../../src/clock.ts'
import { openDataFolder } from '../../src/data-folder.ts'
import type { Db } from '../../src/database/client.ts'
import type { Lease } from '../../src/database/instance-lease.ts'
import { createDevice } from '../../src/device/commands.ts'
import type { Limits } from '../../src/limits/limits.ts'
import type { Log } from '../../src/log/log.ts'
import type { MethodAnswer } from '../../src/method/answer.ts'
import { createMqttServer, type MqttServer, type MqttServerOptions } from '../../src/mqtt/broker.ts'
import { everything } from '../../src/scope.ts'
import type { Throttling } from '../../src/throttle/presets.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

export const hubName = 'hub.example.test'
export const primaryKey = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
export const secondaryKey = 'ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA='

/** A door on free ports, with a database of its own. */
export type TestDoor = {
  readonly deps: TestDeps
  readonly door: MqttServer
  readonly port: number
  readonly tlsPort: number
  readonly ca: string
  /** Resolves with the next answer to a method call that has not been handed out yet. */
  nextAnswer(): Promise<MethodAnswer>
  close(): Promise<void>
}

export async function startDoor(
  options: Partial<MqttServerOptions> & {
    readonly clock?: Clock
    readonly db?: (db: Db) => Db
    readonly lease?: (lease: Lease) => Lease
    readonly deviceCa?: string
    readonly throttling?: Partial<Throttling>
    readonly limits?: Partial<Limits>
    readonly log?: Log
  } = {},
): Promise<TestDoor> {
  const {
    clock,
    db = (real) => real,
    lease = (real) => real,
    deviceCa,
    throttling,
    limits,
    log,
    ...doorOptions
  } = options
  const deps = await createTestDeps(clock, throttling, limits)
  const path = await mkdtemp(join(tmpdir(), 'twincast-mqtt-'))
  const folder = await openDataFolder(path)
  const { cert, key, ca = '' } = await loadOrMakeCertificate(path, { hostNames: [], now: new Date() })
  const answers = createQueue<MethodAnswer>()
  const door = await createMqttServer(
    { ...deps, db: db(deps.db), lease: lease(deps.lease), ...(log && { log }) },
    {
      hostNames: [hubName],
      onMethodResponse: answers.add,
      ...doorOptions,
    },
  )
  const anywhere = { host: '127.0.0.1', port: 0 }
  const { mqtt: plain, mqtts } = await door.listen({ mqtt: anywhere, mqtts: anywhere, cert, key, deviceCa })
  return {
    deps,
    door,
    port: plain?.port ?? 0,
    tlsPort: mqtts?.port ?? 0,
    ca,
    nextAnswer: answers.next,
    async close() {
      await door.close()
      await deps.close()
      await folder.release()
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** Values that come and are awaited in any order. */
export function createQueue<T>() {
  const values: T[] = []
  const waiting: ((value: T) => void)[] = []
  return {
    add: (value: T): void => {
      const next = waiting.shift()
      if (next === undefined) values.push(value)
      else next(value)
    },
    next: (): Promise<T> =>
      new Promise((resolve) => {
        const value = values.shift()
        if (value === undefined) waiting.push(resolve)
        else resolve(value)
      }),
    get length() {
      return values.length
    },
  }
}

let count = 0

/** A promise and what fulfils it. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}

/** A database whose reads can be held back after they were made, so that a test decides what happens meanwhile. */
export function holdReads() {
  let held:
    | { readonly name: string | undefined; readonly made: () => void; readonly released: Promise<void> }
    | undefined
  return {
    db: (real: Db): Db => ({
      ...real,
      query: async (sql, name) => {
        const hold = held?.name === name ? held : undefined
        const rows = await real.query<never>(sql, name)
        hold?.made()
        await hold?.released
        return rows
      },
    }),
    /** Holds reads by the statement of this name. `made` resolves when there was one; `release` lets all of them go. */
    hold(name: string | undefined): { readonly made: Promise<void>; release(): void } {
      const made = deferred()
      const released = deferred()
      held = { name, made: made.resolve, released: released.promise }
      return {
        made: made.promise,
        release() {
          held = undefined
          released.resolve()
        },
      }
    },
  }
}

/** A device of its own for a test. */
export async function givenDevice(
  { deps }: Pick<TestDoor, 'deps'>,
  settings: { readonly status?: 'enabled' | 'disabled'; readonly desired?: object } = {},
): Promise<string> {
  const deviceId = `device-${++count}`
  await createDevice(deps, everything, {
    deviceId,
    authentication: { symmetricKey: { primaryKey, secondaryKey } },
    ...(settings.status && { status: settings.status }),
    ...(settings.desired && { twin: { properties: { desired: settings.desired } } }),
  })
  return deviceId
}

export type Credential = {
  readonly key?: string
  readonly host?: string
  readonly resource?: string
  readonly expiry?: number
  readonly policyName?: string
}

/** The token of a device, good for an hour unless said otherwise. */
export const tokenOf = (deviceId: string, credential: Credential = {}): string =>
  signSasToken({
    resource: encodeURIComponent(credential.resource ?? `${credential.host ?? hubName}/devices/${deviceId}`),
    key: credential.key ?? primaryKey,
    expiry: credential.expiry ?? Math.floor(Date.now() / 1000) + 3600,
    ...(credential.policyName && { policyName: credential.policyName }),
  })

/** What a device sends to connect. */
export const connectPacket = (deviceId: string, changes: object = {}): Packet => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: false,
  keepalive: 60,
  clientId: deviceId,
  username: `${hubName}/${deviceId}/?api-version=2021-04-12`,
  password: Buffer.from(tokenOf(deviceId)),
  ...changes,
})

/** A connection at the level of packets. */
export type RawDevice = {
  readonly socket: Socket
  write(packet: Packet | Uint8Array): void
  /** The next packet, or 'closed' when there will be none. */
  next(): Promise<Packet | 'closed'>
  /** The next publication to this device, as text. */
  nextPublish(): Promise<{ topic: string; payload: string }>
  end(): void
}

export async function openRaw(port: number): Promise<RawDevice> {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const packets = createQueue<Packet | 'closed'>()
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packets.add)
  socket.on('data', (chunk) => parser.parse(chunk))
  socket.on('error', () => {})
  socket.once('close', () => packets.add('closed'))
  return {
    socket,
    write: (packet) => void socket.write(packet instanceof Uint8Array ? packet : mqttPacket.generate(packet)),
    next: packets.next,
    async nextPublish() {
      const packet = await packets.next()
      if (packet === 'closed' || packet.cmd !== 'publish')
        throw new Error(`not a publication: ${JSON.stringify(packet)}`)
      return { topic: packet.topic, payload: packet.payload.toString() }
    },
    end: () => socket.destroy(),
  }
}

/** A raw device whose CONNECT was accepted. */
export async function connectRaw(port: number, deviceId: string, changes: object = {}): Promise<RawDevice> {
  const device = await openRaw(port)
  device.write(connectPacket(deviceId, changes))
  const answer = await device.next()
  if (answer === 'closed' || answer.cmd !== 'connack' || answer.returnCode !== 0) {
    throw new Error(`refused: ${JSON.stringify(answer)}`)
  }
  return device
}

/** Subscribes and answers what was granted. */
export async function subscribeRaw(
  device: RawDevice,
  ...filters: readonly (string | { topic: string; qos: 0 | 1 | 2 })[]
) {
  const subscriptions = filters.map((filter) =>
    typeof filter === 'string' ? { topic: filter, qos: 0 as const } : filter,
  )
  device.write({ cmd: 'subscribe', messageId: 7, subscriptions })
  const answer = await device.next()
  return answer !== 'closed' && answer.cmd === 'suback' ? answer.granted : answer
}

export const publishPacketOf = (topic: string, payload: string | Buffer = '', changes: object = {}): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 0,
  dup: false,
  retain: false,
  ...changes,
})

/** A client of the `mqtt` package, connected as a device. */
export function connectClient(port: number, deviceId: string, options: IClientOptions = {}): Promise<MqttClient> {
  return mqtt.connectAsync({
    host: '127.0.0.1',
    port,
    protocol: 'mqtt',
    protocolVersion: 4,
    clientId: deviceId,
    username: `${hubName}/${deviceId}/?api-version=2021-04-12`,
    password: tokenOf(deviceId),
    reconnectPeriod: 0,
    ...options,
  })
}
