import type net from 'node:net'
import pg from 'pg'
import { systemClock as clock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { isFull } from './outage.ts'
import { openSocket } from './pool.ts'

/** What is known of the database. */
export type Pulse = {
  /** Whether it says nothing at all: who tried to connect would wait in vain. */
  isMute(): boolean
  /** Why it cannot be used, in a sentence; undefined while it answers. */
  trouble(): string | undefined
  /** From now on a database that does not answer for so many milliseconds is away. */
  hurry(silence: number): void
  close(): Promise<void>
}

type Listener = {
  /** Connections that are open now are dead, or may be. */
  readonly silent: () => void
  /** It answers again. */
  readonly back: () => void
}

/** Milliseconds between two tries to connect while it is away. */
const pause = 250
/** Milliseconds that tries to connect may take while it is away: a long one may outlast the outage, a short one fail after it. */
const tries = [1_000, 1_000, undefined]
/** Milliseconds between two lines of the log that say that it is still away. */
const stillAway = 60_000
/** A deadline is slept in so many parts: when this process itself was busy all the while, answers may lie unread. */
const parts = 4

/**
 * Asks the database on a connection of its own, again and again, whether it answers, for a connection whose packets are
 * dropped says nothing, and a statement may take long. When an answer does not come, all connections are given up; when
 * a new one cannot be opened either, the database is away until one can. Time is the machine's: this waits for another process.
 */
export function startPulse(
  { url, silence, log }: { readonly url: string; readonly silence: number; readonly log: Log },
  { silent, back }: Listener,
): Pulse {
  const closing = new AbortController()
  const sockets = new Set<net.Socket>()
  let patience = silence
  let hurried = new AbortController()
  let away: { readonly since: number; error: unknown } | undefined

  /** Rejects when the answer takes longer than that. Whether it was broken off is told by the signal. */
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
      application_name: 'twincast pulse',
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
    if (away === undefined) return
    log.info({ forMs: clock.now().getTime() - away.since }, 'the database answers again')
    away = undefined
    back()
  }
  const isGone = (error: unknown): void => {
    // Also ends what waits for a connection that does not come about.
    if (error instanceof Silence) silent()
    if (away !== undefined) {
      away.error = error
      return
    }
    const begun = { since: clock.now().getTime(), error }
    away = begun
    log.error({ err: error }, 'the database does not answer')
    void repeat(begun)
  }
  const repeat = async (begun: { readonly since: number; error: unknown }): Promise<void> => {
    for (;;) {
      await clock.sleep(stillAway, closing.signal)
      if (closing.signal.aborted || away !== begun) return
      log.error({ err: begun.error, forMs: clock.now().getTime() - begun.since }, 'the database still does not answer')
    }
  }

  /** A connection that answers, however long that takes; undefined when this is closed. */
  const connect = async (): Promise<pg.Client | undefined> => {
    for (let count = 0; !closing.signal.aborted; count++) {
      const most = away === undefined ? undefined : tries[count % tries.length]
      try {
        const client = await open(() => Math.min(most ?? patience, patience))
        answers()
        return client
      } catch (error) {
        breakOff()
        if (closing.signal.aborted) return undefined
        // It does answer: whoever has a connection can go on.
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
          log.warn('connections to the database have gone silent: opening new ones')
          silent()
        }
      }
      breakOff()
    }
    breakOff()
  }
  const watched = watch()

  return {
    isMute: () => away?.error instanceof Silence,
    trouble: () => (away === undefined ? undefined : 'The database does not answer.'),
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
    super('timeout expired: no answer came.')
  }
}
