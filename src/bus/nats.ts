import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions, NatsConnection, Subscription } from '@nats-io/transport-node'
import { type BackOff, backOff } from '../back-off.ts'
import type { Clock } from '../clock.ts'
import { checkSubject } from '../database/notifications.ts'
import type { NatsSettings } from '../nats-settings.ts'
import { utf8Text } from '../utf8.ts'

/** A connection to NATS that is opened again when it breaks. */
export type Nats = {
  isConnected(): boolean
  /**
   * Sends a text to the other clients that listen to the subject. False, and nothing is sent, while there is no
   * connection, while too much waits for the server, or when the text is longer than the server allows. `unheard` is
   * called when the server knew no client that listens.
   */
  send(subject: string, text: string, unheard?: () => void): boolean
  /** From now on, or until `unlisten`, messages of the subject are received. */
  listen(subject: string): void
  unlisten(subject: string): void
  /** Waits a moment until the server has taken what was sent. */
  close(): Promise<void>
}

/** Notified about messages and the connection. The functions must not throw. */
export type NatsListener = {
  /** A message of another client. Untrusted: every user of the server who may publish there can send one. */
  readonly message: (subject: string, text: string) => void
  /** There is a connection to this server, which listens to all subjects. */
  readonly connected: (server: string) => void
  /** The connection broke: messages that were sent or should have been received since then may be lost. */
  readonly lost: (since: Date) => void
}

/** Milliseconds between two checks that the server answers. */
const checkInterval = 5_000
/** Milliseconds after which a server that does not answer is given up. */
const patience = 10_000
/** Milliseconds for a connection to be opened. */
const connectTime = 5_000
/** Milliseconds in which the server takes what was sent before the end. */
const farewellTime = 1_000
const pauses: BackOff = { first: 100, longest: 10_000 }
/** Bytes of a message, whatever more the server allows. */
const maxBytes = 1024 * 1024
/** Bytes that may wait for the server, and from how many on it is asked to confirm them. */
const maxUnconfirmed = 8 * 1024 * 1024
const confirmSize = 256 * 1024

type Connection = {
  readonly nats: NatsConnection
  readonly subscriptions: Map<string, Subscription>
  /** Messages that were sent, and the bytes of those that the server has not confirmed. */
  sent: number
  unconfirmed: number
  isConfirming: boolean
  /** What to do if nobody listens, by message, as long as the server may say so: before it confirms the message. */
  readonly unheard: Map<number, () => void>
}

/** The beginning of the subjects of one hub. It follows from a secret, so that hubs do not meet on one server. */
export const subjectPrefix = (secret: string): string =>
  `twincast.${createHash('sha256').update(`bus ${secret}`).digest('hex').slice(0, 32)}`

/** Opens one connection to one of the servers. Rejects when that takes too long, too. `echo`: it receives what it sends. */
export async function openNats(
  { address, credentialsPath, caPath }: NatsSettings,
  { echo = false } = {},
): Promise<NatsConnection> {
  const { connect, credsAuthenticator } = await import('@nats-io/transport-node')
  const options: ConnectionOptions = {
    servers: [...address.servers],
    name: 'twincast',
    noEcho: !echo,
    reconnect: false,
    noAsyncTraces: true,
    timeout: connectTime,
    ...address.login,
    ...(address.isTls && { tls: caPath === undefined ? {} : { caFile: caPath } }),
    ...(credentialsPath !== undefined && { authenticator: credsAuthenticator(await readFile(credentialsPath)) }),
  }
  return connect(options)
}

/**
 * Connects to NATS in the background: it resolves before there is a connection, and the connection is opened again when
 * it breaks. The library's own way to do so would neither say why an attempt failed nor give up a server that is silent.
 */
export async function connectNats(
  {
    settings,
    prefix,
    clock,
    onError,
  }: {
    readonly settings: NatsSettings
    readonly prefix: string
    readonly clock: Clock
    readonly onError: (error: unknown) => void
  },
  { message, connected, lost }: NatsListener,
): Promise<Nats> {
  const closing = new AbortController()
  const subjects = new Set<string>()
  /** The server says here that nobody listens to a message. */
  const unheardSubject = `${prefix}.unheard.${randomBytes(12).toString('hex')}`
  let connection: Connection | undefined

  const subscribe = ({ nats, subscriptions }: Connection, subject: string): void => {
    const callback = (error: Error | null, { data }: { readonly data: Uint8Array }): void => {
      const text = error === null && data.length <= maxBytes ? utf8Text(data) : undefined
      if (text !== undefined) message(subject, text)
    }
    subscriptions.set(subject, nats.subscribe(`${prefix}.${subject}`, { callback }))
  }
  const listenForUnheard = ({ nats, unheard }: Connection): void => {
    nats.subscribe(`${unheardSubject}.*`, {
      callback(error, { subject, headers, data }) {
        if (error !== null || headers?.code !== 503 || data.length > 0) return
        const number = Number(subject.slice(unheardSubject.length + 1))
        const call = unheard.get(number)
        unheard.delete(number)
        call?.()
      },
    })
  }
  const confirm = async (to: Connection): Promise<void> => {
    to.isConfirming = true
    while (to.unheard.size > 0 || to.unconfirmed > confirmSize) {
      const { sent, unconfirmed } = to
      const isConfirmed = await to.nats.flush().then(
        () => true,
        () => false,
      )
      if (!isConfirmed) break
      to.unconfirmed -= unconfirmed
      for (const number of to.unheard.keys()) if (number <= sent) to.unheard.delete(number)
    }
    to.isConfirming = false
  }

  /** Uses a connection as long as it holds. */
  const use = async (nats: NatsConnection): Promise<void> => {
    const broken = new AbortController()
    void nats.closed().then((error) => {
      if (error instanceof Error) onError(error)
      broken.abort()
    })
    void reportErrors(nats, onError)
    const subscriptions = new Map<string, Subscription>()
    const mine: Connection = { nats, subscriptions, sent: 0, unconfirmed: 0, isConfirming: false, unheard: new Map() }
    let aliveTime = clock.now()
    let isOver = false
    try {
      listenForUnheard(mine)
      for (const subject of subjects) subscribe(mine, subject)
      connection = mine
      connected(nats.getServer())
      const ending = AbortSignal.any([closing.signal, broken.signal])
      while (!ending.aborted) {
        await clock.sleep(checkInterval, ending)
        if (ending.aborted) break
        const time = clock.now()
        if (await answers(nats, patience, ending)) aliveTime = time
        else if (!ending.aborted) throw new Error(`The NATS server ${nats.getServer()} does not answer.`)
      }
      isOver = closing.signal.aborted && !broken.signal.aborted && (await answers(nats, farewellTime, broken.signal))
    } finally {
      connection = undefined
      // The library closes the socket at once. What the server has not answered by now is lost.
      await nats.close()
      if (!isOver) lost(aliveTime)
    }
  }
  const answers = async (nats: NatsConnection, ms: number, ending: AbortSignal): Promise<boolean> => {
    const over = new AbortController()
    let isAnswered = false
    const end = (answered: boolean) => (): void => {
      isAnswered = answered
      over.abort()
    }
    nats.flush().then(end(true), end(false))
    await clock.sleep(ms, AbortSignal.any([over.signal, ending]))
    return isAnswered
  }

  const keepConnected = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; ) {
      try {
        const nats = await openNats(settings)
        failures = 0
        await use(nats)
      } catch (error) {
        if (!closing.signal.aborted) onError(error)
      }
      await clock.sleep(backOff(pauses, failures++), closing.signal)
    }
  }
  const kept = keepConnected()

  return {
    isConnected: () => connection !== undefined,
    send(subject, text, unheard) {
      const to = connection
      if (to === undefined || to.nats.isClosed()) return false
      const bytes = Buffer.from(text)
      const most = Math.min(maxBytes, to.nats.info?.max_payload ?? 0)
      if (bytes.length > most || to.unconfirmed + bytes.length > maxUnconfirmed) return false
      const number = ++to.sent
      if (unheard !== undefined) to.unheard.set(number, unheard)
      to.nats.publish(`${prefix}.${subject}`, bytes, unheard && { reply: `${unheardSubject}.${number}` })
      to.unconfirmed += bytes.length
      if (!to.isConfirming) void confirm(to)
      return true
    },
    listen(subject) {
      subjects.add(checkSubject(subject))
      if (connection !== undefined) subscribe(connection, subject)
    },
    unlisten(subject) {
      subjects.delete(subject)
      connection?.subscriptions.get(subject)?.unsubscribe()
      connection?.subscriptions.delete(subject)
    },
    async close() {
      closing.abort()
      // A connection that is being opened is closed when it is open; nobody waits for that.
      if (connection !== undefined) await kept
    },
  }
}

/** Reports what does not end the connection, such as a missing permission. */
async function reportErrors(nats: NatsConnection, onError: (error: unknown) => void): Promise<void> {
  for await (const status of nats.status()) if (status.type === 'error') onError(status.error)
}
