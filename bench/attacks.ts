import { once } from 'node:events'
import { createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { connectDevice, openRaw, publication, query, type Raw, request, type Target } from './attack-target.ts'

/** The worst input known of one kind. */
export type Attack = {
  /** A sentence's predicate: "sends …". */
  readonly what: string
  readonly who: 'stranger' | 'device' | 'service'
  /** Whether the hub goes on with what was asked when the connection has ended. */
  readonly leavesJobs?: true
  /** The GraphQL query that it sends, which the hub must execute for the attack to be one. */
  readonly query?: string
  /**
   * One connection from its opening to its end: what one attacker repeats. It ends by itself, when the hub ends it, or
   * within two seconds, and with `signal`. With `stay`, an attacker that has got its answers stays connected as long.
   */
  once(target: Target, signal: AbortSignal, stay?: 'stay'): Promise<void>
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

/** Bytes sent in one go on a connection of its own, on a port; then as many answers as `until` says are read, or none. */
const bytesAtOnce =
  (
    port: (target: Target) => number,
    bytes: (target: Target) => Uint8Array | string,
    then: 'hold, unread' | 'close' | { readonly readUntil: string },
  ): Attack['once'] =>
  async (target, signal, stay) => {
    const raw = await openRaw(port(target), then === 'hold, unread' ? 'unread' : 'read')
    await untilEnd(raw, { signal, stay: then === 'close' ? undefined : stay }, async (ended) => {
      await raw.write(bytes(target))
      if (then === 'hold, unread') await ended
      else if (then !== 'close') await raw.readUntil(then.readUntil)
    })
  }

/** Closes the connection after the work, or at the end if the attacker is to stay. */
async function untilEnd(
  raw: Raw,
  { signal, stay }: { readonly signal: AbortSignal; readonly stay: 'stay' | undefined },
  work: (ended: Promise<void>) => Promise<void>,
): Promise<void> {
  const ended = raw.ended(held(signal))
  await Promise.race([work(ended), ended])
  if (stay !== undefined) await ended
  raw.close()
}

const http = ({ httpPort }: Target): number => httpPort
const mqtt = ({ mqttPort }: Target): number => mqttPort

/** What the device publishes, again and again on one connection, as fast as it is taken. */
const published =
  (topic: (turn: number) => string, payload: string, times: number): Attack['once'] =>
  async (target, signal, stay) => {
    const raw = await connectDevice(target)
    await untilEnd(raw, { signal, stay }, async () => {
      for (let turn = 0; turn < times && !signal.aborted; turn++) await raw.write(publication(topic(turn), payload))
    })
  }

const reported = (turn: number): string => `$iothub/twin/PATCH/properties/reported/?$rid=${turn}`

const members = (count: number, value: string): string =>
  `{${Array.from({ length: count }, (_, index) => `"k${index}":${value}`).join(',')}}`

/** Under seven names, so that it is seven times the work. With an eighth, the query of 100 devices is too complex. */
const aliased = (field: string): string => Array.from({ length: 7 }, (_, index) => `a${index}: ${field}`).join(' ')

const serviceQuery = (text: string): Attack['once'] =>
  bytesAtOnce(http, (target) => query(target, text), { readUntil: '\r\n\r\n' })

const executedQuery = (text: string): Pick<Attack, 'query' | 'once'> => ({ query: text, once: serviceQuery(text) })

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
  await bytesAtOnce(
    ({ httpsPort }) => httpsPort,
    () => flight,
    { readUntil: '\0' },
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
    once: bytesAtOnce(
      http,
      () => request('GET', '/graphql', { headers: { accept: 'text/html' } }).repeat(280),
      'hold, unread',
    ),
  },
  {
    what: 'asks for the GraphiQL page and reads it',
    who: 'stranger',
    once: bytesAtOnce(
      http,
      () => request('GET', '/graphql', { headers: { accept: 'text/html', connection: 'close' } }),
      {
        readUntil: 'nothing: until it is closed',
      },
    ),
  },
  {
    what: 'asks for /openapi.json 1,500 times in one write and hangs up',
    who: 'stranger',
    once: bytesAtOnce(http, () => request('GET', '/openapi.json').repeat(1_500), 'close'),
  },
  {
    what: 'asks for /openapi.json 1,500 times in one write and reads it',
    who: 'stranger',
    once: bytesAtOnce(http, () => request('GET', '/openapi.json').repeat(1_500), {
      readUntil: 'nothing: until it is closed',
    }),
  },
  {
    what: 'asks for /healthz 2,000 times in one write and reads nothing',
    who: 'stranger',
    once: bytesAtOnce(http, () => request('GET', '/healthz').repeat(2_000), 'hold, unread'),
  },
  {
    what: 'sends 256 KB without a token',
    who: 'stranger',
    once: bytesAtOnce(
      http,
      () => request('POST', '/graphql', { body: JSON.stringify({ query: '#'.repeat(250_000) }) }),
      {
        readUntil: '\r\n\r\n',
      },
    ),
  },
  {
    what: 'sends a token of an unknown policy',
    who: 'stranger',
    once: bytesAtOnce(
      http,
      () =>
        request('GET', '/devices/a?api-version=2021-04-12', {
          authorization: 'SharedAccessSignature sr=localhost&sig=AAAA&skn=unknown&se=4102444800',
        }),
      { readUntil: '\r\n\r\n' },
    ),
  },
  { what: 'replays the first flight of a TLS handshake', who: 'stranger', once: replayedHello },
  {
    what: 'leaves a WebSocket frame of 256 KB unfinished',
    who: 'stranger',
    once: bytesAtOnce(http, () => Buffer.concat([Buffer.from(webSocketHead), unfinishedFrame()]), 'hold, unread'),
  },
  {
    what: 'leaves an MQTT CONNECT of 256 KB unfinished',
    who: 'stranger',
    once: bytesAtOnce(
      mqtt,
      () => Buffer.concat([Buffer.of(0x10, 0x80, 0x80, 0x10), Buffer.alloc(262_143)]),
      'hold, unread',
    ),
  },
  {
    what: 'reports 204 KB of members',
    who: 'device',
    once: published(reported, members(20_000, '0'), 20),
  },
  {
    what: 'reports control characters that grow its twin',
    who: 'device',
    once: published(reported, `{"a":"${'\x7f'.repeat(4_000)}","b":${JSON.stringify(Array(4_000).fill([]))}}`, 50),
  },
  {
    what: 'reports 5,000 arrays inside each other',
    who: 'device',
    once: published(reported, `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 50),
  },
  {
    what: 'answers calls that were never made',
    who: 'device',
    once: published((turn) => `$iothub/methods/res/200/?$rid=${turn}`, '{}', 2_000),
  },
  {
    what: 'pings 30,000 times in one write',
    who: 'device',
    async once(target, signal, stay) {
      const raw = await connectDevice(target)
      await untilEnd(raw, { signal, stay }, async () => {
        await raw.write(Buffer.alloc(60_000, Buffer.of(0xc0, 0)))
        await raw.read(60_000)
      })
    },
  },
  {
    what: 'asks for its twin 16 times and reads nothing',
    who: 'device',
    async once(target, signal) {
      const raw = await connectDevice(target, 'unread')
      const asks = Array.from({ length: 16 }, (_, turn) => publication(`$iothub/twin/GET/?$rid=${turn}`, ''))
      await raw.write(Buffer.concat(asks))
      await raw.ended(held(signal))
    },
  },
  {
    what: 'counts devices by eight conditions that are costly for each device',
    who: 'service',
    ...executedQuery(
      `{ ${Array.from({ length: 8 }, (_, index) => `a${index}: devices(queryCondition: "${Array.from({ length: 20 }, (_member, at) => `tags.weight % 5e-324 = ${at}`).join(' OR ')}", first: 1) { nodes { deviceId } }`).join(' ')} }`,
    ),
  },
  {
    what: 'asks for the metadata of 100 devices under seven names',
    who: 'service',
    ...executedQuery(
      `{ devices(first: 100) { nodes { twin { properties { ${aliased('desired { metadata }')} } } } } }`,
    ),
  },
  {
    what: 'selects 200 columns of whole twins',
    who: 'service',
    once: bytesAtOnce(
      http,
      ({ serviceToken }) =>
        request('POST', '/devices/query?api-version=2021-04-12', {
          authorization: serviceToken,
          body: JSON.stringify({
            query: `SELECT ${Array.from({ length: 200 }, (_, index) => `properties.desired AS c${index}`).join(', ')} FROM devices`,
          }),
        }),
      { readUntil: '\r\n\r\n' },
    ),
  },
  {
    what: 'schedules a twin update of 32 KB of empty objects on all devices',
    who: 'service',
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
      { readUntil: '\r\n\r\n' },
    ),
  },
  {
    what: 'creates 100 devices, each with the same 4,000 empty objects',
    who: 'service',
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
      { readUntil: '\r\n\r\n' },
    ),
  },
  {
    what: 'sends a document of 83,000 comments',
    who: 'service',
    once: serviceQuery(`${'#\n'.repeat(83_000)}{ __typename }`),
  },
  {
    what: 'fills the document cache with 64 documents of 3,900 comments',
    who: 'service',
    once: bytesAtOnce(
      http,
      (target) => {
        // Twice what fits, in the same order, so that none of them is still there; and in the end the cache is as before.
        const documents = Array.from({ length: 64 }, (_, index) => `#${index}${'\n#'.repeat(3_900)}\n{ __typename }`)
        return documents.map((document) => query(target, document)).join('')
      },
      { readUntil: 'nothing: until it is closed' },
    ),
  },
  {
    what: 'selects 900 unknown fields after 240,000 spaces',
    who: 'service',
    once: serviceQuery(
      `${' '.repeat(240_000)}{ ${Array.from({ length: 900 }, (_, index) => `unknown${index}`).join(' ')} }`,
    ),
  },
  {
    what: 'selects 600 fields under one name',
    who: 'service',
    once: serviceQuery(`{ ${Array.from({ length: 600 }, (_, index) => `same: unknown${index}`).join(' ')} }`),
  },
]

/** An attack with its number, which starts at 1. */
export type NumberedAttack = { readonly number: number; readonly attack: Attack }

/** The attacks with these numbers, or all. */
export const numberedAttacks = (numbers?: readonly number[]): readonly NumberedAttack[] =>
  attacks
    .map((attack, index) => ({ number: index + 1, attack }))
    .filter(({ number }) => numbers === undefined || numbers.includes(number))
