import type net from 'node:net'
import pg from 'pg'
import { systemClock as clock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { isFull } from './outage.ts'
import { askIfReadOnly, refuseStandby, type Server, type Servers, StandbyError } from './servers.ts'
import { openSocket } from './socket.ts'

/** The known state of the database. */
export type HealthCheck = {
  /** Whether it does not answer at all: an attempt to connect would wait in vain. */
  isUnresponsive(): boolean
  /** Why it cannot be used, in a sentence; undefined while it answers and can be written. */
  trouble(): string | undefined
  /** From now on, a database that does not answer for `silence` milliseconds counts as unavailable. */
  hurry(silence: number): void
  /** Checks again at once: a change was refused because the server is read-only. */
  look(): void
  close(): Promise<void>
}

type Listener = {
  /** Open connections are dead, or may be. */
  readonly silent: () => void
  /** The database answers again. */
  readonly back: () => void
}

const readOnlyTrouble = 'The database is read-only: it is a standby, or default_transaction_read_only is on.'
/** Milliseconds between two attempts to connect while it is unavailable. */
const pause = 250
/**
 * Milliseconds that attempts to connect may take while it is unavailable. A long attempt may outlast the outage; a
 * short one may fail after it.
 */
const tries = [1_000, 1_000, undefined]
/** Milliseconds between two log lines that say that it is still unavailable. */
const reminderMs = 60_000
/** A deadline is slept in this many parts: if this process itself was busy the whole time, answers may lie unread. */
const parts = 4

/**
 * Asks the database on a connection of its own, repeatedly, whether it answers. A connection whose packets are dropped
 * reports nothing, and a statement may legitimately take long. When an answer is missing, all connections are closed;
 * when no new one can be opened, the database is unavailable until one can. Of several servers it tries one after
 * another, until one answers and can be written; then all other connections leave the former one. It uses the system
 * clock, because it waits for another process.
 */
export function startHealthCheck(
  { servers, silence, log }: { readonly servers: Servers; readonly silence: number; readonly log: Log },
  { silent, back }: Listener,
): HealthCheck {
  const closing = new AbortController()
  const sockets = new Set<net.Socket>()
  let patience = silence
  let hurried = new AbortController()
  let isReadOnly = false
  let outage: { readonly since: number; error: unknown } | undefined

  /** Rejects when the answer takes longer than that. The signal shows whether the work was aborted. */
  const within = async <T>(ms: () => number, work: Promise<T>): Promise<T> => {
    const done = new AbortController()
    const timeUp = async (): Promise<never> => {
      for (let part = 0; part < parts; part++)
        await clock.sleep(ms() / parts, AbortSignal.any([done.signal, closing.signal]))
      throw new Silence()
    }
    try {
      return await Promise.race([work, timeUp()])
    } finally {
      done.abort()
    }
  }
  const hasStandbys = servers.all.length > 1
  const open = async (server: Server, ms: () => number): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: server.url,
      application_name: 'twincast health check',
      stream: () => openSocket(sockets),
    })
    client.on('error', () => hurried.abort())
    await within(ms, client.connect())
    if (hasStandbys) await within(ms, refuseStandby(client, server))
    return client
  }
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }

  const noteWhether = (nowReadOnly: boolean): void => {
    if (nowReadOnly && !isReadOnly) log.error(readOnlyTrouble)
    if (!nowReadOnly && isReadOnly) log.info('database can be written again')
    isReadOnly = nowReadOnly
  }
  const use = (server: Server): void => {
    if (server === servers.current) return
    log.warn({ from: servers.current.name, to: server.name }, 'another server of the database is the primary now')
    servers.use(server)
    // Connections to the former primary may go on without a sign, and read what is no longer so.
    silent()
  }
  const answers = (): void => {
    if (outage === undefined) return
    log.info({ forMs: clock.now().getTime() - outage.since }, 'database reachable again')
    outage = undefined
    back()
  }
  const isGone = (error: unknown): void => {
    // Also ends statements that wait for a connection that cannot be opened.
    if (error instanceof Silence) silent()
    if (outage !== undefined) {
      outage.error = error
      return
    }
    const begun = { since: clock.now().getTime(), error }
    outage = begun
    log.error({ err: error }, 'database unreachable, retrying')
    void repeat(begun)
  }
  const repeat = async (begun: { readonly since: number; error: unknown }): Promise<void> => {
    for (;;) {
      await clock.sleep(reminderMs, closing.signal)
      if (closing.signal.aborted || outage !== begun) return
      log.error(
        { err: begun.error, forMs: clock.now().getTime() - begun.since },
        'database still unreachable, retrying',
      )
    }
  }

  /** A connection that answers, however long that takes; undefined once this is closed. */
  const connect = async (): Promise<pg.Client | undefined> => {
    const { all } = servers
    const first = all.indexOf(servers.current)
    for (let count = 0; !closing.signal.aborted; count++) {
      const server = all[(first + count) % all.length] ?? servers.current
      const most = outage === undefined ? undefined : tries[Math.floor(count / all.length) % tries.length]
      try {
        const client = await open(server, () => Math.min(most ?? patience, patience))
        use(server)
        answers()
        return client
      } catch (error) {
        breakOff()
        if (closing.signal.aborted) return undefined
        // The server does answer: existing connections can go on.
        const isOnlyFull = isFull(error) && server === servers.current
        if (isOnlyFull) answers()
        else isGone(error)
        await clock.sleep(isOnlyFull ? patience : pause, closing.signal)
      }
    }
    return undefined
  }

  const watch = async (): Promise<void> => {
    for (let client = await connect(); client !== undefined; client = await connect()) {
      try {
        while (!closing.signal.aborted) {
          const asked = client.query<{ isReadOnly: boolean }>(askIfReadOnly)
          const { rows } = await within(() => patience, asked)
          const nowReadOnly = rows[0]?.isReadOnly === true
          noteWhether(nowReadOnly)
          if (nowReadOnly && hasStandbys) break
          await clock.sleep(patience, AbortSignal.any([hurried.signal, closing.signal]))
          hurried = new AbortController()
        }
      } catch (error) {
        if (closing.signal.aborted) break
        if (error instanceof Silence) {
          log.warn('database connections do not respond; opening new ones')
          silent()
        }
      }
      breakOff()
    }
    breakOff()
  }
  const watched = watch()

  return {
    isUnresponsive: () => outage?.error instanceof Silence,
    trouble() {
      if (outage !== undefined) {
        return outage.error instanceof StandbyError
          ? 'No server of the database can be written.'
          : 'The database does not answer.'
      }
      return isReadOnly ? readOnlyTrouble : undefined
    },
    hurry(ms) {
      patience = Math.min(patience, ms)
      hurried.abort()
    },
    look: () => hurried.abort(),
    async close() {
      closing.abort()
      breakOff()
      await watched
    },
  }
}

/** No answer came in time. */
class Silence extends Error {
  override readonly name = 'Silence'
  constructor() {
    super('timeout expired: no response.')
  }
}
