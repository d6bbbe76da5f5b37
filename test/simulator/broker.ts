import { EventEmitter, on, once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Aedes, type AuthenticateError, type Client } from 'aedes'
import type { JsonObject } from '../../src/json/json.ts'
import { desiredPatchTopic, methodRequestTopic, parsePublish, twinResponseTopic } from '../../src/mqtt/topics.ts'

/** What a device answered to a method call. */
export type Answer = { deviceId: string; status: number; rid: string; payload: string }

/** What a broker may be told to do otherwise. */
export type BrokerOptions = {
  /** The return code of the CONNACK; 0 lets the device in. */
  connack?(deviceId: string, userName: string, password: string): number | Promise<number>
  refuses?(filter: string): boolean
  /** The twin a device reads, or the status it is refused with. */
  twin?: JsonObject | number
  /** Called with each report; the status of the answer. */
  report?(patch: JsonObject): number
  tls?: { key: string; cert: string }
}

/** A hub reduced to what a device sees of it: aedes on a loopback port, and a hand that writes to single devices. */
export const startBroker = async (options: BrokerOptions = {}) => {
  const happened = new EventEmitter()
  happened.setMaxListeners(0)
  const clients = new Map<string, Client>()
  const answers: Answer[] = []
  const reported: { deviceId: string; patch: JsonObject }[] = []
  let subscriptions = 0
  let keepAlives: number[] = []

  const send = (client: Client, topic: string, payload: string): void =>
    client.publish({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false }, () => {})

  const received = (client: Client, topic: string, payload: string): void => {
    const parsed = parsePublish(topic)
    if (parsed?.kind === 'methodResponse') {
      const answer = { deviceId: client.id, status: parsed.status, rid: parsed.rid, payload }
      answers.push(answer)
      happened.emit('answer', answer)
    } else if (parsed?.kind === 'twinGet') {
      const { twin = {} } = options
      if (typeof twin === 'number') send(client, twinResponseTopic(twin, parsed.rid), '{"errorCode":1}')
      else send(client, twinResponseTopic(200, parsed.rid), JSON.stringify(twin))
    } else if (parsed?.kind === 'reportedPatch') {
      if (typeof options.twin === 'number') {
        send(client, twinResponseTopic(options.twin, parsed.rid), '{"errorCode":1}')
        return
      }
      const patch: JsonObject = JSON.parse(payload)
      reported.push({ deviceId: client.id, patch })
      const status = options.report?.(patch) ?? 204
      if (status === 204) send(client, twinResponseTopic(status, parsed.rid, reported.length), '')
      else send(client, twinResponseTopic(status, parsed.rid), '{"errorCode":1}')
      happened.emit('reported')
    }
  }

  const broker = await Aedes.createBroker({
    preConnect(_client, packet, done) {
      keepAlives = [...keepAlives, packet.keepalive ?? 0]
      done(null, true)
    },
    async authenticate(client, userName = '', password, done) {
      const code = (await options.connack?.(client.id, userName, password?.toString() ?? '')) ?? 0
      const refusal: AuthenticateError = Object.assign(new Error('refused'), { returnCode: code })
      if (code === 0) done(null, true)
      else done(refusal, false)
    },
    authorizeSubscribe(_client, subscription, done) {
      done(null, options.refuses?.(subscription.topic) ? null : subscription)
    },
    authorizePublish(client, packet, done) {
      if (client) received(client, packet.topic, packet.payload.toString())
      done(null)
    },
  })
  broker.on('clientReady', (client) => {
    clients.set(client.id, client)
    happened.emit('connected', client.id)
  })
  broker.on('subscribe', (_subscriptions, client) => {
    subscriptions++
    happened.emit('subscribed', client.id)
  })
  broker.on('clientDisconnect', (client) => {
    if (clients.get(client.id) === client) clients.delete(client.id)
    happened.emit('gone')
  })

  const server: Server = options.tls ? createTlsServer(options.tls, broker.handle) : createServer(broker.handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')

  const clientOf = (deviceId: string): Client => {
    const client = clients.get(deviceId)
    if (client === undefined) throw new Error(`"${deviceId}" is not connected`)
    return client
  }

  return {
    port: address.port,
    clients,
    answers,
    reported,
    /** The keep-alive of every CONNECT so far. */
    keepAlives: () => keepAlives,
    /** How many SUBSCRIBE packets have come. */
    subscriptions: () => subscriptions,
    call: (deviceId: string, name: string, rid: string, payload = '{}') =>
      send(clientOf(deviceId), methodRequestTopic(name, rid), payload),
    patchDesired: (deviceId: string, version: number, patch: JsonObject) =>
      send(clientOf(deviceId), desiredPatchTopic(version), JSON.stringify({ ...patch, $version: version })),
    close: (deviceId: string) => clientOf(deviceId).close(),
    /** Resolves when `condition` holds, looking again whenever a device has come, gone, subscribed, answered or reported. */
    async until(condition: () => boolean): Promise<void> {
      const events = ['connected', 'subscribed', 'gone', 'answer', 'reported']
      const abort = new AbortController()
      const anything = new EventEmitter()
      const tell = (): boolean => anything.emit('anything')
      for (const event of events) happened.on(event, tell)
      const turns = on(anything, 'anything', { signal: abort.signal })
      while (!condition()) await turns.next()
      for (const event of events) happened.off(event, tell)
      await turns.return?.()
    },
    async stop() {
      server.close()
      await new Promise<void>((resolve) => broker.close(resolve))
    },
  }
}

/** A broker as the tests see it. */
export type TestBroker = Awaited<ReturnType<typeof startBroker>>
