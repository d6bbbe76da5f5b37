import { once, setMaxListeners } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import mqttPacket, { type Packet } from 'mqtt-packet'

/** A hub that asks for tokens, and what its attackers know of it. Ports are on 127.0.0.1. */
export type Target = {
  readonly httpPort: number
  readonly httpsPort: number
  readonly mqttPort: number
  readonly mqttsPort: number
  /** `Authorization` of a service that may do everything. */
  readonly serviceToken: string
  /** A device that is registered, and its token. */
  readonly device: { readonly deviceId: string; readonly password: string }
}

/** What was seen on a connection. */
export type Seen = {
  /** The first bytes that arrived, as Latin-1: enough for a whole answer, unless that is large. */
  readonly text: string
  /** Whether the other side has ended it. */
  readonly closed: boolean
}

/** A raw connection: what it is sent is written as it stands. */
export type Raw = {
  readonly socket: Socket | TLSSocket
  /** Writes all of it in one go, and resolves when it has left or the connection has ended. */
  write(bytes: Uint8Array | string): Promise<void>
  /** Resolves when so many bytes more have arrived, or the connection has ended. */
  read(bytes: number): Promise<void>
  /** Resolves when what has arrived since the last call contains `text`, or the connection has ended. */
  readUntil(text: string): Promise<void>
  /** Resolves when an HTTP response has arrived, or of a large one the beginning, or the connection has ended. */
  readAnswer(): Promise<void>
  /** Resolves when the other side has ended the connection, or `signal` aborts. */
  ended(signal: AbortSignal): Promise<void>
  /** What has been seen until now. */
  seen(): Seen
  close(): void
}

/** Characters that are kept of what arrives. */
const mostKept = 65_536
/** What one that does not read takes out at least: it learns how it is answered, and soon stops. */
export const firstBytes = 1_024

/** Opens a connection. `unread` takes nothing out of it but the first bytes. */
export async function openRaw(port: number, reading: 'read' | 'unread' = 'read'): Promise<Raw> {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {})
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  return takeOver(socket, reading)
}

function takeOver(socket: Socket, reading: 'read' | 'unread'): Raw {
  let arrived = 0
  let first = ''
  let text = ''
  let left = false
  const changed = new EventTarget()
  setMaxListeners(0, changed)
  socket.on('data', (chunk: Buffer) => {
    const more = chunk.toString('latin1')
    arrived += chunk.length
    if (first.length < mostKept) first += more
    text = (text + more).slice(-mostKept)
    if (reading === 'unread' && arrived > 2 * firstBytes) socket.pause()
    changed.dispatchEvent(new Event('change'))
  })
  socket.once('close', () => changed.dispatchEvent(new Event('change')))
  const leave = (): void => {
    left ||= !socket.destroyed
    socket.destroy()
  }
  const until = async (done: () => boolean): Promise<void> => {
    while (!socket.destroyed && !done()) await once(changed, 'change')
  }
  return {
    socket,
    async write(bytes) {
      if (socket.destroyed) return
      await Promise.race([new Promise<void>((resolve) => socket.write(bytes, () => resolve())), until(() => false)])
    },
    async read(bytes) {
      const goal = arrived + bytes
      await until(() => arrived >= goal)
    },
    async readUntil(wanted) {
      await until(() => text.includes(wanted))
      text = ''
    },
    readAnswer: () => until(() => isAnswer(first)),
    async ended(signal) {
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
      await until(() => signal.aborted)
      signal.removeEventListener('abort', leave)
    },
    seen: () => ({ text: first, closed: socket.destroyed && !left }),
    close: leave,
  }
}

/** Whether it begins with an HTTP response that is whole, or longer than what is kept. */
function isAnswer(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
  return end !== -1 && text.length >= Math.min(end + 4 + length, mostKept)
}

/** The bytes of an HTTP request. */
export function request(
  method: string,
  path: string,
  {
    authorization,
    body,
    headers = {},
  }: {
    readonly authorization?: string
    readonly body?: string
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): string {
  const lines = {
    host: 'localhost',
    ...(authorization === undefined ? {} : { authorization }),
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n${body ?? ''}`
}

/** A GraphQL request of the service. */
export const query = ({ serviceToken }: Target, text: string): string =>
  request('POST', '/graphql', { authorization: serviceToken, body: JSON.stringify({ query: text }) })

/** The bytes of an MQTT packet. */
export const packet = (content: Packet): Buffer => mqttPacket.generate(content)

/** The device, let in by MQTT. */
export async function connectDevice(target: Target, reading: 'read' | 'unread' = 'read'): Promise<Raw> {
  const { deviceId, password } = target.device
  const raw = await openRaw(target.mqttPort, reading)
  await raw.write(
    packet({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: deviceId,
      keepalive: 60,
      username: `localhost/${deviceId}/?api-version=2021-04-12`,
      password: Buffer.from(password),
    }),
  )
  if (reading === 'read') await raw.read(4)
  return raw
}

/** A publication of the device. */
export const publication = (topic: string, payload: string): Buffer =>
  packet({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false })
