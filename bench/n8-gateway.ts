import { once } from 'node:events'
import { createClient } from 'graphql-ws'
import mqtt, { type MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import { signSasToken } from '../src/access/sas.ts'
import { abortable } from '../src/cli/abortable.ts'
import { startHub } from './answering.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { type DeviceKey, registerFleet } from './fleet.ts'
import { leaveHub } from './hub.ts'
import { compare, measure } from './measure.ts'
import { type Limit, type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 500, packets: 40 }
// More devices than a WebSocket may follow, as in full.
const quickSizes = { devices: 120, packets: 10 }
/** Devices that are connecting at a time. */
const atOnce = 50
/** Subscriptions per WebSocket: the hub allows as many. */
const perSocket = 100
const payload = JSON.stringify({ temperature: 21.5, humidity: 48, state: 'running' })

type Hub = Awaited<ReturnType<typeof startHub>>

/**
 * N8: what devices cost a gateway that only connect, stay and send. With P1, P12, P15 and P19 this is what the numbers of
 * docs/scaling.md follow from. The devices are in this process, so its CPU time does not count.
 */
export async function gatewayCost(bench: Bench): Promise<Row[]> {
  const { devices: count, packets } = bench.quick ? quickSizes : full
  const { deps, databaseUrl, meters, signal } = bench
  const keys = await registerFleet(bench, 'n8', count)
  await leaveHub(deps)
  const closers = createClosers()
  try {
    const hub = await startHub(databaseUrl, signal)
    closers.add(hub.close)
    const spent = async (operations: number, work: () => Promise<unknown>): Promise<Run> => {
      const { cpuMicros } = await measure({ hub: hub.cpu, database: meters.database }, operations, () =>
        abortable(work(), signal),
      )
      return { value: (cpuMicros.hub ?? Number.NaN) + (cpuMicros.database ?? Number.NaN), cpuMicros }
    }
    const connecting = async (protocol: Protocol): Promise<Run> => {
      let clients: MqttClient[] = []
      const run = await spent(count, async () => {
        clients = await connectAll(hub, keys, protocol)
      })
      await endAll(clients)
      return run
    }
    const row = (name: string, what: string, baselineName: string, atMost: number, sides: Sides): Promise<Row> => {
      const limit: Limit = { kind: 'goal', atMost }
      return compare(bench, { name, what, unit: 'CPU µs/op', baselineName, limit, ...sides })
    }
    const connections = await row(
      'N8 connection',
      'a device that connects with TLS and subscribes to its methods',
      'without TLS',
      2,
      { ours: () => connecting('mqtts'), baseline: () => connecting('mqtt') },
    )
    const clients = await connectAll(hub, keys, 'mqtt')
    closers.add(() => endAll(clients))
    const sending = (): Promise<Run> =>
      spent(count * packets, () => inTurn(clients, packets, (client, index) => publish(client, keys[index])))
    const keepAlive = await row('N8 keep-alive', 'PINGREQ of a connected device', 'a telemetry message', 1, {
      ours: () => spent(count * packets, () => inTurn(clients, packets, ping)),
      baseline: sending,
    })
    const telemetry = await row('N8 telemetry', 'telemetry that one client follows', 'that nobody follows', 5, {
      async ours() {
        const tap = followAll(hub, keys)
        try {
          // A subscription begins a moment after it is asked for.
          await tap.untilAll(() => inTurn(clients, 1, (client, index) => publish(client, keys[index])))
          return await spent(count * packets, async () => {
            await inTurn(clients, packets, (client, index) => publish(client, keys[index]))
            await tap.received(count * packets)
          })
        } finally {
          await tap.close()
        }
      },
      baseline: sending,
    })
    return [connections, keepAlive, telemetry]
  } finally {
    await closers.close()
  }
}

type Sides = { ours(): Promise<Run>; baseline(): Promise<Run> }
type Protocol = 'mqtt' | 'mqtts'

async function connectAll(hub: Hub, keys: readonly DeviceKey[], protocol: Protocol): Promise<MqttClient[]> {
  const clients: MqttClient[] = []
  for (let from = 0; from < keys.length; from += atOnce) {
    clients.push(...(await Promise.all(keys.slice(from, from + atOnce).map((key) => connect(hub, key, protocol)))))
  }
  return clients
}

async function connect(hub: Hub, { id, primaryKey }: DeviceKey, protocol: Protocol): Promise<MqttClient> {
  const port = protocol === 'mqtt' ? hub.mqttPort : hub.mqttsPort
  const client = await mqtt.connectAsync(`${protocol}://127.0.0.1:${port}`, {
    clientId: id,
    username: `localhost/${id}/?api-version=2021-04-12`,
    password: signSasToken({
      resource: `localhost%2Fdevices%2F${id}`,
      key: primaryKey,
      expiry: Math.floor(Date.now() / 1000) + 3_600,
    }),
    protocolVersion: 4,
    keepalive: 0,
    reconnectPeriod: 0,
    rejectUnauthorized: false,
  })
  await client.subscribeAsync('$iothub/methods/POST/#')
  return client
}

const endAll = async (clients: readonly MqttClient[]): Promise<void> => {
  await Promise.all(clients.map((client) => client.endAsync()))
}

/** Every client does it so often, each time after the time before. */
const inTurn = (
  clients: readonly MqttClient[],
  times: number,
  act: (client: MqttClient, index: number) => Promise<unknown>,
): Promise<unknown> =>
  Promise.all(
    clients.map(async (client, index) => {
      for (let time = 0; time < times; time++) await act(client, index)
    }),
  )

/** At QoS 1: it resolves when the hub has the message. */
const publish = (client: MqttClient, key: DeviceKey | undefined): Promise<unknown> =>
  client.publishAsync(`devices/${key?.id}/messages/events/`, payload, { qos: 1 })

async function ping(client: MqttClient): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    client.on('packetreceive', function receive({ cmd }) {
      if (cmd !== 'pingresp') return
      client.off('packetreceive', receive)
      resolve()
    })
  })
  client.sendPing()
  await answered
}

/** Follows the telemetry of all devices. */
function followAll(hub: Hub, keys: readonly DeviceKey[]) {
  const url = `ws://127.0.0.1:${hub.port}/graphql`
  const clients = Array.from({ length: Math.ceil(keys.length / perSocket) }, () =>
    createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 }),
  )
  const news = new EventTarget()
  const heard = new Set<string>()
  let count = 0
  let failure: unknown
  const fail = (error: unknown): void => {
    failure = error
    news.dispatchEvent(new Event('message'))
  }
  for (const [index, { id }] of keys.entries()) {
    const query = 'subscription ($id: String!) { telemetry(deviceId: $id) { enqueuedTime body } }'
    clients[index % clients.length]?.subscribe(
      { query, variables: { id } },
      {
        next({ errors }) {
          if (errors !== undefined) return fail(errors)
          heard.add(id)
          count++
          news.dispatchEvent(new Event('message'))
        },
        error: fail,
        complete() {},
      },
    )
  }
  return {
    /** Until there is a message of every device. */
    async untilAll(sendMore: () => Promise<unknown>): Promise<void> {
      while (heard.size < keys.length) {
        if (failure !== undefined) throw new VoidRunError(`Void: telemetry ended: ${JSON.stringify(failure)}`)
        await sendMore()
      }
      count = 0
    },
    async received(expected: number): Promise<void> {
      while (count < expected) {
        if (failure !== undefined) throw new VoidRunError(`Void: telemetry ended: ${JSON.stringify(failure)}`)
        await once(news, 'message')
      }
    },
    close: () => Promise.all(clients.map((client) => client.dispose())),
  }
}
