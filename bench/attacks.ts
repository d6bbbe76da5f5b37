import { once } from 'node:events'
import { createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  connectDevice,
  firstBytes,
  openRaw,
  packet,
  publication,
  query,
  type Raw,
  request,
  type Seen,
  type Target,
} from './attack-target.ts'

/** How the hub answers an attack: it does what was asked, or ends the connection, or waits for the rest, or refuses. */
export type Answer =
  | 'served'
  | 'closed'
  | 'left open'
  /** The code of a GraphQL error or of a WebSocket's end, or else the status by HTTP or MQTT. */
  | { readonly refused: string }
  /** The attacker does not wait for it. */
  | 'not awaited'

/** The worst input known of one kind. */
export type Attack = {
  /** A sentence's predicate: "sends …". */
  readonly what: string
  readonly who: 'stranger' | 'device' | 'service'
  /** Whether the hub goes on with what was asked when the connection has ended. */
  readonly leavesJobs?: true
  /** The tests compare it with `answerOf` what was seen. */
  readonly answer: Answer
  /**
   * One connection from its opening to its end: what one attacker repeats. It ends by itself, when the hub ends it, and
   * with `signal`. An attacker that holds on to it does so for two seconds; with `stay`, so does one that has got its
   * answers.
   */
  once(target: Target, signal: AbortSignal, stay?: 'stay'): Promise<Seen>
}

/** Milliseconds that an attacker holds on to a connection on which nothing comes. */
const holdTime = 2_000

/** Aborts with `signal`, and after two seconds. Node 20 may forget a timeout that only `AbortSignal.any` knows of. */
function held(signal: AbortSignal): AbortSignal {
  const over = new AbortController()
  const end = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    over.abort()
  }
  const timer = setTimeout(end, holdTime)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  return over.signal
}

/** What follows the bytes: an answer is read, or the first one, or no more than its beginning. */
type Then = 'close' | 'read an answer' | 'read an answer, hold' | 'hold' | 'hold, unread'

/** Bytes sent in one go on a connection of its own, on a port. */
const bytesAtOnce =
  (port: (target: Target) => number, bytes: (target: Target) => Uint8Array | string, then: Then): Attack['once'] =>
  async (target, signal, stay) => {
    const raw = await openRaw(port(target), then === 'hold, unread' ? 'unread' : 'read')
    const holds = then.includes('hold') || (stay !== undefined && then !== 'close')
    return await untilEnd(raw, { signal, holds }, async () => {
      const written = raw.write(bytes(target))
      if (then === 'hold') return // the hub may never read all of it
      await written
      if (then.startsWith('read an answer')) await raw.readAnswer()
      if (then === 'hold, unread') await raw.read(firstBytes)
    })
  }

/**
 * Closes the connection after the work, or later if the attacker holds on to it. `rest` is work that the hub may put
 * off for long, because of the rations of a device: it goes on as long as the attacker would hold on.
 */
async function untilEnd(
  raw: Raw,
  {
    signal,
    holds,
    rest,
  }: { readonly signal: AbortSignal; readonly holds: boolean; readonly rest?: () => Promise<void> },
  work: () => Promise<void>,
): Promise<Seen> {
  await Promise.race([work(), raw.ended(signal)])
  const over = rest !== undefined || holds ? raw.ended(held(signal)) : undefined
  await Promise.race([rest?.(), over])
  if (holds) await over
  raw.close()
  return raw.seen()
}

const http = ({ httpPort }: Target): number => httpPort
const mqtt = ({ mqttPort }: Target): number => mqttPort

/** What the device publishes, again and again on one connection, as fast as it is taken; `answered` is in an answer. */
const published =
  (topic: (turn: number) => string, payload: string, times: number, answered: string): Attack['once'] =>
  async (target, signal, stay) => {
    const raw = await connectDevice(target)
    const ping = packet({ cmd: 'pingreq' })
    const publish = (turn: number): Promise<void> => raw.write(publication(topic(turn), payload))
    // The hub reads the last ping after all else.
    const rest = async (): Promise<void> => {
      for (let turn = 1; turn < times && !signal.aborted; turn++) await publish(turn)
      await raw.write(ping)
      await raw.readUntil(pong)
    }
    return await untilEnd(raw, { signal, holds: stay !== undefined, rest }, async () => {
      await publish(0)
      if (answered === pong) await raw.write(ping)
      await raw.readUntil(answered)
    })
  }

/** The answer to a ping, as it is read. */
const pong = '\xd0\0'
/** How the answer to a request about a twin begins. */
const twinAnswer = '$iothub/twin/res/'

const reported = (turn: number): string => `$iothub/twin/PATCH/properties/reported/?$rid=${turn}`

const members = (count: number, value: string): string =>
  `{${Array.from({ length: count }, (_, index) => `"k${index}":${value}`).join(',')}}`

const serviceQuery = (text: string): Attack['once'] =>
  bytesAtOnce(http, (target) => query(target, text), 'read an answer')

/** The first flight of a TLS handshake, recorded once and replayed without paying for it. */
let hello: Promise<Buffer> | undefined
async function recordHello(): Promise<Buffer> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = connectTls({ host: '127.0.0.1', port, ecdhCurve: 'ffdhe8192', rejectUnauthorized: false })
  client.on('error', () => {})
  const [connection] = await once(server, 'connection')
  const [flight] = await once(connection, 'data')
  connection.destroy()
  client.destroy()
  server.close()
  return flight
}

const replayedHello: Attack['once'] = async (target, signal) => {
  hello ??= recordHello()
  const flight = await hello
  return await bytesAtOnce(
    ({ httpsPort }) => httpsPort,
    () => flight,
    'hold',
  )(target, signal)
}

const webSocketHead = request('GET', '/graphql', {
  headers: {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  },
})

/** A frame of 256 KB, masked, of which a byte is missing. */
function unfinishedFrame(): Buffer {
  const head = Buffer.alloc(14)
  head[0] = 0x81
  head[1] = 0xff
  head.writeUInt32BE(262_144, 6)
  return Buffer.concat([head, Buffer.alloc(262_143, 0x20)])
}

export const attacks: readonly Attack[] = [
  {
    what: 'asks for the GraphiQL page 280 times in one write and reads nothing',
    who: 'stranger',
    answer: 'served',
    once: bytesAtOnce(
      http,
      () => request('GET', '/graphql', { headers: { accept: 'text/html' } }).repeat(280),
      'hold, unread',
    ),
  },
  {
    what: 'asks for the GraphiQL page and reads it',
    who: 'stranger',
    answer: 'served',
    once: bytesAtOnce(
      http,
      () => request('GET', '/graphql', { headers: { accept: 'text/html', connection: 'close' } }),
      'read an answer, hold',
    ),
  },
  {
    what: 'asks for /openapi.json 1,500 times in one write and hangs up',
    who: 'stranger',
    answer: 'not awaited',
    once: bytesAtOnce(http, () => request('GET', '/openapi.json').repeat(1_500), 'close'),
  },
  {
    what: 'asks for /openapi.json 1,500 times in one write and reads it',
    who: 'stranger',
    answer: 'served',
    once: bytesAtOnce(http, () => request('GET', '/openapi.json').repeat(1_500), 'read an answer, hold'),
  },
  {
    what: 'asks for /healthz 2,000 times in one write and reads nothing',
    who: 'stranger',
    answer: 'served',
    once: bytesAtOnce(http, () => request('GET', '/healthz').repeat(2_000), 'hold, unread'),
  },
  {
    what: 'sends 256 KB without a token',
    who: 'stranger',
    answer: { refused: '401' },
    once: bytesAtOnce(
      http,
      () => request('POST', '/graphql', { body: JSON.stringify({ query: '#'.repeat(250_000) }) }),
      'read an answer',
    ),
  },
  {
    what: 'sends a token of an unknown policy',
    who: 'stranger',
    answer: { refused: '401' },
    once: bytesAtOnce(
      http,
      () =>
        request('GET', '/devices/a?api-version=2021-04-12', {
          authorization: 'SharedAccessSignature sr=localhost&sig=AAAA&skn=unknown&se=4102444800',
        }),
      'read an answer',
    ),
  },
  { what: 'replays the first flight of a TLS handshake', who: 'stranger', answer: 'closed', once: replayedHello },
  {
    what: 'leaves a WebSocket frame of 256 KB unfinished',
    who: 'stranger',
    answer: { refused: '1009' },
    once: bytesAtOnce(http, () => Buffer.concat([Buffer.from(webSocketHead), unfinishedFrame()]), 'hold'),
  },
  {
    what: 'leaves an MQTT CONNECT of 256 KB unfinished',
    who: 'stranger',
    answer: 'closed',
    once: bytesAtOnce(mqtt, () => Buffer.concat([Buffer.of(0x10, 0x80, 0x80, 0x10), Buffer.alloc(262_143)]), 'hold'),
  },
  {
    what: 'reports 204 KB of members',
    who: 'device',
    answer: { refused: '400' },
    once: published(reported, members(20_000, '0'), 20, twinAnswer),
  },
  {
    what: 'reports control characters that grow its twin',
    who: 'device',
    answer: 'served',
    once: published(
      reported,
      `{"a":"${'\x7f'.repeat(4_000)}","b":${JSON.stringify(Array(4_000).fill([]))}}`,
      50,
      twinAnswer,
    ),
  },
  {
    what: 'reports 5,000 arrays inside each other',
    who: 'device',
    answer: { refused: '400' },
    once: published(reported, `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 50, twinAnswer),
  },
  {
    what: 'answers calls that were never made',
    who: 'device',
    answer: 'served',
    once: published((turn) => `$iothub/methods/res/200/?$rid=${turn}`, '{}', 2_000, pong),
  },
  {
    what: 'pings 30,000 times in one write',
    who: 'device',
    answer: 'served',
    async once(target, signal, stay) {
      const raw = await connectDevice(target)
      const all = raw.read(60_000)
      return await untilEnd(raw, { signal, holds: stay !== undefined, rest: () => all }, async () => {
        const first = raw.read(2)
        await raw.write(Buffer.alloc(60_000, Buffer.of(0xc0, 0)))
        await first
      })
    },
  },
  {
    what: 'asks for its twin 16 times and reads nothing',
    who: 'device',
    answer: 'served',
    async once(target, signal) {
      const raw = await connectDevice(target, 'unread')
      const asks = Array.from({ length: 16 }, (_, turn) => publication(`$iothub/twin/GET/?$rid=${turn}`, ''))
      return await untilEnd(raw, { signal, holds: true }, async () => {
        await raw.write(Buffer.concat(asks))
        await raw.read(firstBytes)
      })
    },
  },
  {
    // No device meets them, for every number is divisible by the smallest one: so each is compared with all twenty.
    what: 'looks for devices by eight conditions that are costly for each device',
    who: 'service',
    answer: 'served',
    once: serviceQuery(
      `{ ${Array.from({ length: 8 }, (_, index) => `a${index}: devices(queryCondition: "${Array.from({ length: 20 }, (_member, at) => `tags.weight % 5e-324 = ${at + 1}`).join(' OR ')}", first: 1) { nodes { deviceId } }`).join(' ')} }`,
    ),
  },
  {
    // Not of 100: that is more than an answer may have, so it would be refused.
    what: 'asks for the metadata of 60 large twins',
    who: 'service',
    answer: 'served',
    once: serviceQuery('{ devices(first: 60) { nodes { twin { properties { desired { metadata } } } } } }'),
  },
  {
    // With 30, the first row is larger than a page, which is refused.
    what: 'selects 25 columns of whole twins',
    who: 'service',
    answer: 'served',
    once: bytesAtOnce(
      http,
      ({ serviceToken }) =>
        request('POST', '/devices/query?api-version=2021-04-12', {
          authorization: serviceToken,
          body: JSON.stringify({
            query: `SELECT ${Array.from({ length: 25 }, (_, index) => `properties.desired AS c${index}`).join(', ')} FROM devices`,
          }),
        }),
      'read an answer',
    ),
  },
  {
    what: 'schedules a twin update of 32 KB of empty objects on all devices',
    who: 'service',
    answer: 'served',
    leavesJobs: true,
    once: bytesAtOnce(
      http,
      ({ serviceToken }) =>
        request('PUT', `/jobs/v2/attack-${Math.random().toString(36).slice(2)}?api-version=2021-04-12`, {
          authorization: serviceToken,
          body: JSON.stringify({
            type: 'scheduleUpdateTwin',
            queryCondition: '*',
            updateTwin: { etag: '*', properties: { desired: { attack: JSON.parse(members(3_900, '{}')) } } },
            maxExecutionTimeInSeconds: 60,
          }),
        }),
      'read an answer',
    ),
  },
  {
    what: 'creates 100 devices, each with the same 4,000 empty objects',
    who: 'service',
    answer: 'served',
    once: bytesAtOnce(
      http,
      ({ serviceToken }) => {
        const fleet = Math.random().toString(36).slice(2)
        const devices = Array.from(
          { length: 100 },
          (_, index) => `{ deviceId: "${fleet}-${index}", twin: { properties: { desired: $desired } } }`,
        )
        return request('POST', '/graphql', {
          authorization: serviceToken,
          body: JSON.stringify({
            query: `mutation ($desired: JSON) { createDevices(input: { devices: [${devices.join(' ')}] }) { __typename } }`,
            variables: { desired: JSON.parse(members(4_000, '{}')) },
          }),
        })
      },
      'read an answer',
    ),
  },
  {
    what: 'sends a document of 83,000 comments',
    who: 'service',
    answer: { refused: 'LIMIT_EXCEEDED' },
    once: serviceQuery(`${'#\n'.repeat(83_000)}{ __typename }`),
  },
  {
    what: 'fills the document cache with 64 documents of 3,900 comments',
    who: 'service',
    answer: 'served',
    once: bytesAtOnce(
      http,
      (target) => {
        // Twice what fits, in the same order, so that none of them is still there; and in the end the cache is as before.
        const documents = Array.from({ length: 64 }, (_, index) => `#${index}${'\n#'.repeat(3_900)}\n{ __typename }`)
        return documents.map((document) => query(target, document)).join('')
      },
      'read an answer, hold',
    ),
  },
  {
    what: 'selects 900 unknown fields after 50,000 spaces',
    who: 'service',
    answer: { refused: 'GRAPHQL_VALIDATION_FAILED' },
    once: serviceQuery(
      `${' '.repeat(50_000)}{ ${Array.from({ length: 900 }, (_, index) => `unknown${index}`).join(' ')} }`,
    ),
  },
  {
    what: 'selects 600 fields under one name',
    who: 'service',
    answer: { refused: 'LIMIT_EXCEEDED' },
    once: serviceQuery(`{ ${Array.from({ length: 600 }, (_, index) => `same: unknown${index}`).join(' ')} }`),
  },
]

/** How the hub has answered, by what was seen of it. */
export function answerOf({ text, closed }: Seen): Answer {
  const [, code] = /\r\n\r\n\{"errors":\[.*?"code":"(\w+)"/.exec(text) ?? []
  if (code !== undefined) return { refused: code }
  const [, farewell] = /^HTTP\/1\.1 101 .*\r\n\r\n\x88[\s\S](..)/s.exec(text) ?? []
  if (farewell !== undefined) return { refused: String(Buffer.from(farewell, 'latin1').readUInt16BE()) }
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)|\$iothub\/twin\/res\/(\d+)\//g)].map(
    ([, http, twin]) => http ?? twin ?? '',
  )
  const refused = statuses.find((status) => Number(status) >= 400)
  if (refused !== undefined) return { refused }
  if (text === '') return closed ? 'closed' : 'left open'
  return text.startsWith(handshakeFailure) ? 'closed' : 'served'
}

/** The beginning of a TLS alert that ends the connection. */
const handshakeFailure = '\x15\x03\x03\0\x02\x02'

/** An attack with its number, which starts at 1. */
export type NumberedAttack = { readonly number: number; readonly attack: Attack }

/** The attacks with these numbers, or all. */
export const numberedAttacks = (numbers?: readonly number[]): readonly NumberedAttack[] =>
  attacks
    .map((attack, index) => ({ number: index + 1, attack }))
    .filter(({ number }) => numbers === undefined || numbers.includes(number))
