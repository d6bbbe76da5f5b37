import net from 'node:net'
import pg from 'pg'
import { type BackOff, backOff } from '../back-off.ts'
import { systemClock as clock } from '../clock.ts'
import { DatabaseAwayError, isFull } from './outage.ts'

/** What a pool goes by. Times in milliseconds. */
export type PoolSettings = {
  readonly url: string
  readonly name: string
  /** Of each session, as PostgreSQL takes them on its command line. */
  readonly options: string
  readonly connections: number
  /** For which a statement waits for a connection. */
  readonly wait: number
  /** After which a statement that was not answered is given up, and its connection with it. */
  readonly patience: number
  /** Whether the database is known to say nothing: then nobody waits for it. */
  readonly isMute: () => boolean
  /** The server has no room for the connections that this pool wants. */
  readonly onFull: () => void
}

type Taken = (error: Error | undefined, client: pg.PoolClient | undefined, release: (error?: unknown) => void) => void

/** Milliseconds for which a pool that could not grow stays as small as it is. */
const smallFor = 5_000
/** Milliseconds, half of them left to chance, after which a connection that the server had no room for is tried again. */
const fullPause: BackOff = { first: 400, longest: 400 }

/**
 * Connections that cannot hang without end. Every statement is given up after a while, unless it says how long it may
 * take, and its connection with it. A server that has no room for more connections makes the pool smaller and statements
 * wait. Everybody takes connections from here, Prisma too. Time is the machine's: this waits for another process.
 */
export class Pool extends pg.Pool {
  readonly #settings: PoolSettings
  readonly #sockets: Set<net.Socket>
  #small: Promise<void> | undefined
  #isGivenUp = false

  constructor(settings: PoolSettings) {
    const sockets = new Set<net.Socket>()
    super({
      connectionString: settings.url,
      application_name: settings.name,
      options: settings.options,
      max: settings.connections,
      connectionTimeoutMillis: settings.wait,
      query_timeout: settings.patience,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      stream: () => {
        const socket = openSocket(sockets)
        // Once it is there: pg connects it first.
        if (this.#isGivenUp) setImmediate(() => socket.destroy(new DatabaseAwayError()))
        return socket
      },
    })
    this.#settings = settings
    this.#sockets = sockets
  }

  override connect(): Promise<pg.PoolClient>
  override connect(taken: Taken): void
  override connect(taken?: Taken): Promise<pg.PoolClient> | undefined {
    const client = this.#take()
    if (taken === undefined) return client
    client.then(
      (found) => taken(undefined, found, (error) => found.release(error instanceof Error ? error : error === true)),
      (error: Error) => taken(error, undefined, () => {}),
    )
    return undefined
  }

  /** Ends all connections at once, those in use too, without a word to the server. */
  break(): void {
    for (const socket of this.#sockets) socket.destroy(new DatabaseAwayError())
  }

  /** Ends all connections at once, and those to come, which statements that wait already still ask for. */
  giveUp(): void {
    this.#isGivenUp = true
    this.break()
  }

  /** Ends the connections that nobody uses, but for one: somebody else has none. */
  async giveWay(): Promise<void> {
    for (let count = this.idleCount; count > 1; count--) {
      const client = await super.connect()
      client.release(true)
    }
  }

  /** Resolves when all connections have ended: by themselves, or after so many milliseconds because they are broken. */
  async close(ms: number): Promise<void> {
    const ended = new AbortController()
    const breakLate = async (): Promise<void> => {
      await clock.sleep(ms, ended.signal)
      if (!ended.signal.aborted) this.break()
    }
    void breakLate()
    await this.end()
    ended.abort()
  }

  async #take(): Promise<pg.PoolClient> {
    const { wait, isMute } = this.#settings
    const start = clock.now().getTime()
    for (;;) {
      if (this.#isGivenUp || isMute()) throw new DatabaseAwayError()
      try {
        return await super.connect()
      } catch (error) {
        if (!isFull(error) || clock.now().getTime() - start >= wait) throw error
        this.#shrink()
        await clock.sleep(backOff(fullPause, 0))
      }
    }
  }

  /** For a while those who wait get the connections that there are: to ask for more would only keep the server busy. */
  #shrink(): void {
    this.#settings.onFull()
    this.options.max = Math.max(1, Math.min(this.options.max, this.totalCount))
    this.#small ??= clock.sleep(smallFor).then(() => {
      this.options.max = this.#settings.connections
      this.#small = undefined
    })
  }
}

/** Kept to be broken: to end a connection politely takes an answer. */
export function openSocket(sockets: Set<net.Socket>): net.Socket {
  const socket = new net.Socket()
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}
