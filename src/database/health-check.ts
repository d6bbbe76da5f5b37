import type net from 'node:net'
import pg from 'pg'
import { systemClock as clock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { isFull } from './outage.ts'
import { openSocket } from './pool.ts'

/** The known state of the database. */
export type HealthCheck = {
  /** Whether it does not answer at all: an attempt to connect would wait in vain. */
  isUnresponsive(): boolean
  /** Why it cannot be used, in a sentence; undefined while it answers. */
  trouble(): string | undefined
  /** From now on, a database that does not answer for `silence` milliseconds counts as unavailable. */
  hurry(silence: number): void
  close(): Promise<void>
}

type Listener = {
  /** Open connections are dead, or may be. */
  readonly silent: () => void
  /** The database answers again. */
  readonly back: () => void
}

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
 * when no new one can be opened, the database is unavailable until one can. It uses the system clock, because it waits
 * for another process.
 */
export function startHealthCheck(
  { url, silence, log }: { readonly url: string; readonly silence: number; readonly log: Log },
  { silent, back }: Listener,
): HealthCheck {
  const closing = new AbortController()
  const sockets = new Set<net.Socket>()
  let patience = silence
  let hurried = new AbortController()
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
  const open = async (ms: () => number): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'twincast health check',
      stream: () => openSocket(sockets),
    })
    client.on('error', () => hurried.abort())
    await within(ms, client.connect())
    return client
  }
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
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
    for (let count = 0; !closing.signal.aborted; count++) {
      const most = outage === undefined ? undefined : tries[count % tries.length]
      try {
        const client = await open(() => Math.min(most ?? patience, patience))
        answers()
        return client
      } catch (error) {
        breakOff()
        if (closing.signal.aborted) return undefined
        // The server does answer: existing connections can go on.
        if (isFull(error)) answers()
        else isGone(error)
        await clock.sleep(isFull(error) ? patience : pause, closing.signal)
      }
    }
    return undefined
  }

  const watch = async (): Promise<void> => {
    for (let client = await connect(); client !== undefined; client = await connect()) {
      try {
        while (!closing.signal.aborted) {
          await clock.sleep(patience, AbortSignal.any([hurried.signal, closing.signal]))
          hurried = new AbortController()
          await within(() => patience, client.query('select 1'))
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
    trouble: () => (outage === undefined ? undefined : 'The database does not answer.'),
    hurry(ms) {
      patience = Math.min(patience, ms)
      hurried.abort()
    },
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
