import type net from 'node:net'
import pg from 'pg'
import { type BackOff, backOff } from '../back-off.ts'
import type { Clock } from '../clock.ts'
import { enter, leave, type Query, stay } from './membership.ts'
import { openSocket } from './pool.ts'

/** Texts between the processes on one database, each from one of them to all others. */
export type Notifications = {
  /** Whether somebody may listen. What is not sent because nobody does is not missed by anybody either. */
  isHeard(): boolean
  /** Sends texts of at most `maxTextBytes` in one statement. Never rejects: what gets lost, the others look for again. */
  send(texts: readonly string[]): Promise<void>
  /**
   * Runs what has to be done before the others may meet this process, one process at a time, and tells it whether there
   * are no others. Rejects, without running it, when that cannot be known.
   */
  enter<T>(work: (alone: boolean) => Promise<T>): Promise<T>
  /** The connection is known to be dead, or may be: another takes its place. */
  reconnect(): void
  close(): Promise<void>
}

/** Who listens. Neither may throw. */
export type Listener = {
  /** A text of another process: untrusted, for any user of the database can send one. */
  readonly heard: (text: string) => void
  /** What others sent since then may have been lost, and from now on nothing is. */
  readonly missed: (since: Date) => void
}

/** PostgreSQL's limit is 8,000, less a byte for the end of the text. */
export const maxTextBytes = 7_999

const channel = 'twincast'
/** Milliseconds between two looks at whether the others are still there, and with them this connection. */
const lookInterval = 5_000
/** Milliseconds after which a connection that does not answer is given up. */
const patience = 10_000
const pauses: BackOff = { first: 100, longest: 10_000 }

const settings = {
  application_name: 'twincast notifications',
  connectionTimeoutMillis: patience,
  query_timeout: patience,
  // A notification is a hint: nobody waits for a disk to keep it. That it is committed before it is heard stays true.
  // And who vanished with its machine is gone after half a minute, not after the two hours of TCP.
  options:
    '-c synchronous_commit=off -c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 ' +
    '-c tcp_user_timeout=30000',
}

/**
 * Listens on a connection of its own, which comes back when it breaks. Others are known by the process ids of their
 * connections, which PostgreSQL puts on each notification, and which everybody may look up in pg_stat_activity, whatever
 * user they belong to. Who comes says `hello`, or `again` and since when it was deaf and mute; the others then look at
 * what it may have changed and answer `here`, which tells it that from now on they send to it. Who leaves says `bye`
 * after all else, so that nobody misses anything of it. A process that is alone sends nothing.
 *
 * Resolves when it listens, or when the first try has failed and is going to be repeated.
 */
export async function listenForNotifications(
  { url, clock, onError }: { readonly url: string; readonly clock: Clock; readonly onError: (error: unknown) => void },
  { heard, missed }: Listener,
): Promise<Notifications> {
  const closing = new AbortController()
  const sockets = new Set<net.Socket>()
  let connection: Connection | undefined
  const others = new Set<number>()
  /** Before the first look nobody knows who is there. */
  let looked = false
  /** When the connection was last known to work; undefined before the first. */
  let aliveTime: Date | undefined
  /** Whether the next connection, too, has to say that this process is in. */
  let entered = false

  const send = async (texts: readonly string[]): Promise<void> => {
    if (connection === undefined) return
    const { query, breakOff } = connection
    await query(`select pg_notify('${channel}', text) from unnest($1::text[]) text`, [texts]).catch(breakOff)
  }

  const breakSockets = (): void => {
    for (const socket of sockets) socket.destroy()
  }

  const isHeard = (): boolean => connection !== undefined && (others.size > 0 || !looked)

  const receive = (from: number, text: string, deafSince: Date): void => {
    others.add(from)
    const [, word, number] = /^(hello|again|here|bye)(?: (\d{1,15}))?$/.exec(text) ?? []
    if (word === undefined) heard(text)
    else if (word === 'bye') others.delete(from)
    else if (word !== 'here') {
      void send([`here ${from}`])
      if (word === 'again' && number !== undefined) missed(new Date(Number(number)))
    } else if (Number(number) === connection?.pid) missed(deafSince)
  }

  const look = async ({ query }: Connection): Promise<void> => {
    const known = [...others]
    const time = clock.now()
    const present = await query(
      'select pid from pg_stat_activity where pid = any($1::integer[]) and datname = current_database()',
      [known],
    )
    const gone = known.filter((pid) => !present.includes(pid))
    for (const pid of gone) others.delete(pid)
    // Who was killed may not have sent its last.
    if (gone.length > 0) missed(aliveTime ?? time)
    looked = true
    aliveTime = time
  }

  /** Listens for as long as the connection holds. `listening` is called when it does. */
  const listen = async (listening: () => void): Promise<void> => {
    const client = new pg.Client({ connectionString: url, ...settings, stream: () => openSocket(sockets) })
    const query = inTurn(client)
    const broken = new AbortController()
    const breakOff = (error?: unknown): void => {
      if (error !== undefined && !broken.signal.aborted && !closing.signal.aborted) onError(error)
      broken.abort()
      // Statements in the line behind one that was not answered would each wait as long.
      breakSockets()
    }
    client.on('error', breakOff)
    client.on('end', () => breakOff())
    try {
      await client.connect()
      const [pid = 0] = await query('select pg_backend_pid() as pid')
      const now = clock.now()
      const deafSince = aliveTime ?? now
      const mine = { pid, query, breakOff }
      client.on('notification', ({ processId, payload = '' }) => {
        if (processId !== pid && connection === mine) receive(processId, payload, deafSince)
      })
      connection = mine
      others.clear()
      looked = false
      if (entered) await stay(query)
      await query(`listen ${channel}`)
      await send([aliveTime === undefined ? 'hello' : `again ${deafSince.getTime()}`])
      aliveTime ??= now
      listening()
      const ending = AbortSignal.any([closing.signal, broken.signal])
      while (!ending.aborted) {
        await clock.sleep(lookInterval, ending)
        if (!ending.aborted) await look(mine)
      }
    } finally {
      const left = broken.signal.aborted ? undefined : connection
      const isMissed = isHeard()
      connection = undefined
      if (left && closing.signal.aborted) {
        if (isMissed) await left.query(`select pg_notify('${channel}', 'bye') as pid`).catch(() => {})
        await leave(left.query).catch(() => {})
      }
      broken.abort()
      // The socket may be dead: nobody waits for a farewell.
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
    isHeard,
    send,
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

const unknownOthers = (cause?: unknown): Error =>
  new Error('Which other instances run on the database cannot be found out.', { cause })

/** A connection that listens: the process id of its other end, and how to use it and to give it up. */
type Connection = { readonly pid: number; readonly query: Query; readonly breakOff: (error?: unknown) => void }

/** Statements of one connection, each sent when the one before has been answered. They answer the column `pid`. */
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
