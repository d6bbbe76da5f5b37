import type net from 'node:net'
import pg from 'pg'
import { type BackOff, backOff } from '../back-off.ts'
import type { Clock } from '../clock.ts'
import { createPartJoiner, splitText } from './message-parts.ts'
import type { Servers } from './servers.ts'
import { openSocket } from './socket.ts'
import { enter, leave, type Query, stay } from './start-lock.ts'

/** Texts between the processes on one database, each sent by one of them to all others. */
export type Notifications = {
  /** Whether the connection is open. */
  isConnected(): boolean
  /** Sends texts of at most `maxTextBytes` in one statement. Never rejects: a text may be lost. */
  send(texts: readonly string[]): Promise<void>
  /**
   * Runs the work that has to be done before other processes may see this one, one process at a time. `alone` is true
   * when there are no others. Rejects, without running the work, when that cannot be determined.
   */
  enter<T>(work: (alone: boolean) => Promise<T>): Promise<T>
  /** Messages by subject. Unlike `received`, a message that was lost is not read again. */
  readonly transport: Transport
  /** The connection is dead, or may be: it is replaced. */
  reconnect(): void
  close(): Promise<void>
}

/** What carries messages to the other instances of a hub. The functions do not throw: a message may be lost. */
export type Transport = {
  /** Sends a text to all other instances that listen to the subject now. False when it cannot be sent. */
  send(subject: string, text: string): boolean
  /** From now on, or until `unlisten`, messages of the subject are received. A message that is sent later is not missed. */
  listen(subject: string): void
  unlisten(subject: string): void
}

/** Receives notifications. The functions must not throw. */
export type Listener = {
  /** A text from another process. Untrusted: every user of the database can send one. */
  readonly received: (text: string) => void
  /** The connection was replaced: texts that were sent since then may have been lost. */
  readonly missed: (since: Date) => void
  /** A message of the transport. Untrusted as well. */
  readonly message: (subject: string, text: string) => void
}

/** PostgreSQL's limit is 8,000 bytes, less one for the end of the text. */
export const maxTextBytes = 7_999

const channel = 'twincast'
/** A subject has a channel of its own, so that the server passes its messages only to those that listen to it. */
const channelOf = (subject: string): string => `${channel}:${subject}`
/** Milliseconds between two checks of the connection. */
const checkInterval = 5_000
/** Milliseconds after which a connection that does not answer is given up. */
const patience = 10_000
const pauses: BackOff = { first: 100, longest: 10_000 }

const settings = {
  application_name: 'twincast notifications',
  connectionTimeoutMillis: patience,
  query_timeout: patience,
  // A notification is a hint and need not wait for a disk; it is still committed before it is received. A process that
  // disappears with its machine is gone after half a minute, not after the two hours of TCP's default.
  options:
    '-c synchronous_commit=off -c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 ' +
    '-c tcp_user_timeout=30000',
}

/**
 * Listens on a connection of its own, which is opened again when it breaks. Resolves when it listens, or when the first
 * attempt has failed and will be repeated.
 */
export async function listenForNotifications(
  {
    servers,
    clock,
    subjects: firstSubjects = [],
    onError,
  }: {
    readonly servers: Servers
    readonly clock: Clock
    /** Subjects that are listened to from the beginning. */
    readonly subjects?: readonly string[]
    readonly onError: (error: unknown) => void
  },
  { received, missed, message }: Listener,
): Promise<Notifications> {
  const closing = new AbortController()
  const sockets = new Set<net.Socket>()
  let connection: Connection | undefined
  /** When the connection was last known to work; undefined before the first time. */
  let aliveTime: Date | undefined
  const subjects = new Set(firstSubjects)
  let messages = 0
  let joinParts = createPartJoiner()
  /** Whether the next connection, too, must declare this process a member. */
  let entered = false

  const send = async (texts: readonly string[]): Promise<void> => {
    if (connection === undefined) return
    const { query, breakOff } = connection
    await query(`select pg_notify('${channel}', text) from unnest($1::text[]) text`, [texts]).catch(breakOff)
  }

  const change = (command: 'listen' | 'unlisten', subject: string): void => {
    void connection?.query(`${command} ${quoted(subject)}`).catch(connection.breakOff)
  }
  /** Messages that wait for the statement before, by channel. */
  let unsent: { readonly channels: string[]; readonly texts: string[]; length: number } = emptyQueue()
  let sending = false
  const sendMessages = async (): Promise<void> => {
    sending = true
    while (unsent.texts.length > 0 && connection !== undefined) {
      const { query, breakOff } = connection
      const { channels, texts } = unsent
      unsent = emptyQueue()
      const statement = 'select pg_notify(channel, text) from unnest($1::text[], $2::text[]) as message (channel, text)'
      await query(statement, [channels, texts]).catch(breakOff)
    }
    unsent = emptyQueue()
    sending = false
  }
  const transport: Transport = {
    send(subject, text) {
      if (connection === undefined || unsent.length + text.length > maxUnsent) return false
      for (const part of splitText(text, String(++messages))) {
        unsent.channels.push(channelOf(subject))
        unsent.texts.push(part)
      }
      unsent.length += text.length
      if (!sending) void sendMessages()
      return true
    },
    listen(subject) {
      if (subjects.has(subject)) return
      subjects.add(subject)
      change('listen', subject)
    },
    unlisten(subject) {
      subjects.delete(subject)
      change('unlisten', subject)
    },
  }

  const breakSockets = (): void => {
    for (const socket of sockets) socket.destroy()
  }

  /** Listens as long as the connection holds. `listening` is called once it listens. */
  const listen = async (listening: () => void): Promise<void> => {
    const client = new pg.Client({
      connectionString: servers.current.url,
      ...settings,
      stream: () => openSocket(sockets),
    })
    const query = inTurn(client)
    const broken = new AbortController()
    const breakOff = (error?: unknown): void => {
      if (error !== undefined && !broken.signal.aborted && !closing.signal.aborted) onError(error)
      broken.abort()
      // Each of the statements in the queue would wait as long as the one that was not answered.
      breakSockets()
    }
    client.on('error', breakOff)
    client.on('end', () => breakOff())
    try {
      await client.connect()
      const [pid = 0] = await query('select pg_backend_pid() as pid')
      const mine = { query, breakOff }
      client.on('notification', ({ processId, channel: from, payload = '' }) => {
        if (processId === pid || connection !== mine) return
        if (from === channel) received(payload)
        else joinParts(processId, payload, (text) => message(from.slice(channelOf('').length), text))
      })
      connection = mine
      if (entered) await stay(query)
      await query(`listen ${channel}`)
      joinParts = createPartJoiner()
      for (const subject of subjects) await query(`listen ${quoted(subject)}`)
      const deafSince = aliveTime
      aliveTime = clock.now()
      if (deafSince !== undefined) missed(deafSince)
      listening()
      const ending = AbortSignal.any([closing.signal, broken.signal])
      while (!ending.aborted) {
        await clock.sleep(checkInterval, ending)
        if (ending.aborted) break
        const time = clock.now()
        await query('select')
        aliveTime = time
      }
    } finally {
      const left = broken.signal.aborted ? undefined : connection
      connection = undefined
      if (left && closing.signal.aborted) await leave(left.query).catch(() => {})
      broken.abort()
      // The socket may be dead: do not wait for a graceful close.
      void client.end().catch(() => {})
    }
  }

  const keepListening = async (tried: () => void): Promise<void> => {
    let failures = 0
    while (!closing.signal.aborted) {
      try {
        await listen(() => {
          failures = 0
          tried()
        })
      } catch (error) {
        if (!closing.signal.aborted) onError(error)
      }
      tried()
      await clock.sleep(backOff(pauses, failures++), closing.signal)
    }
  }

  let kept: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve) => {
    kept = keepListening(resolve)
  })
  return {
    isConnected: () => connection !== undefined,
    send,
    transport,
    async enter(work) {
      if (connection === undefined) throw unknownOthers()
      const { query, breakOff } = connection
      const ask: Query = (text, values) =>
        query(text, values).catch((error) => {
          breakOff(error)
          throw unknownOthers(error)
        })
      const result = await enter(ask, work)
      entered = true
      return result
    },
    reconnect: breakSockets,
    async close() {
      closing.abort()
      await kept
    },
  }
}

/** Characters of messages that wait; further ones are lost, as they would be on a slow network. */
const maxUnsent = 8 * 1024 * 1024
const emptyQueue = (): { channels: string[]; texts: string[]; length: number } => ({
  channels: [],
  texts: [],
  length: 0,
})

/** The channel of a subject, as SQL. */
const quoted = (subject: string): string => `"${channelOf(checkSubject(subject))}"`

/** The subject, if every transport can have it. Throws an error otherwise. */
export function checkSubject(subject: string): string {
  if (/^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*$/.test(subject) && subject.length <= 50) return subject
  throw new Error(`"${subject}" is not a subject.`)
}

const unknownOthers = (cause?: unknown): Error =>
  new Error('The database returned no list of other instances.', { cause })

/** A connection that listens: how to use it and how to give it up. */
type Connection = { readonly query: Query; readonly breakOff: (error?: unknown) => void }

/** Statements of one connection, each sent after the one before was answered. They return the column `pid`. */
function inTurn(client: pg.Client): Query {
  let last: Promise<unknown> = Promise.resolve()
  return (text, values = []) => {
    const result = last.then(async () => {
      const { rows } = await client.query<{ pid: number }>({ text, values: [...values] })
      return rows.map(({ pid }) => pid)
    })
    last = result.catch(() => {})
    return result
  }
}
