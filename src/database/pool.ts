import type net from 'node:net'
import { setPriority } from 'node:os'
import pg from 'pg'
import { type BackOff, backOff } from '../back-off.ts'
import { systemClock as clock } from '../clock.ts'
import { columnTypes } from './column-types.ts'
import { DatabaseUnavailableError, isFull } from './outage.ts'
import type { Servers } from './servers.ts'
import { openSocket, readInTurns } from './socket.ts'

/** Settings of a pool. Times in milliseconds. */
export type PoolSettings = {
  readonly servers: Servers
  readonly name: string
  /** Options of each session, in the form of PostgreSQL's command line. */
  readonly options: string
  /** A statement that each new connection runs first. Unlike `options`, it takes effect through every pooler. */
  readonly prologue?: string
  readonly connections: number
  /** For which a statement waits for a connection. */
  readonly wait: number
  /** After which a statement without an answer is given up, together with its connection. */
  readonly patience: number
  /** Whether the database is known not to answer: then statements do not wait for it. */
  readonly isUnresponsive: () => boolean
  /** The server has no room for the connections that this pool needs. */
  readonly onFull: () => void
  /**
   * The `nice` value of the server's processes for these connections, for a server on this machine that this process may
   * control. Without it, the server decides.
   */
  readonly niceness?: number | undefined
}

type Taken = (error: Error | undefined, client: pg.PoolClient | undefined, release: (error?: unknown) => void) => void

/** Milliseconds for which a pool that could not grow keeps its size. */
const smallFor = 5_000
/**
 * Milliseconds, half of them random, until the pool tries again to open a connection that the server had no room for.
 */
const fullPause: BackOff = { first: 400, longest: 400 }

/**
 * Connections that cannot hang forever. A statement that exceeds its time is given up together with its connection.
 * When the server has no room for more connections, the pool becomes smaller and statements wait. All statements use
 * these pools, including Prisma's. It uses the system clock, because it waits for another process.
 */
export class Pool extends pg.Pool {
  readonly #settings: PoolSettings
  readonly #sockets: Set<net.Socket>
  #small: Promise<void> | undefined
  #isGivenUp = false

  constructor(settings: PoolSettings) {
    const sockets = new Set<net.Socket>()
    const { prologue } = settings
    super({
      Client: clientOf(settings.servers),
      application_name: settings.name,
      options: settings.options,
      types: columnTypes,
      max: settings.connections,
      connectionTimeoutMillis: settings.wait,
      query_timeout: settings.patience,
      ...(prologue === undefined
        ? {}
        : { verify: (client, done) => client.query(prologue, (error: Error | null) => done(error ?? undefined)) }),
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      stream: () => {
        const socket = openSocket(sockets)
        readInTurns(socket)
        // Only once it exists: pg connects the socket first.
        if (this.#isGivenUp) setImmediate(() => socket.destroy(new DatabaseUnavailableError()))
        return socket
      },
    })
    this.#settings = settings
    this.#sockets = sockets
    const { niceness } = settings
    if (niceness !== undefined) this.on('connect', (client) => lowerPriority(client, niceness))
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

  /** Closes all connections at once, including those in use, without notifying the server. */
  break(): void {
    for (const socket of this.#sockets) socket.destroy(new DatabaseUnavailableError())
  }

  /** Closes all connections at once, and those that waiting statements still open. */
  giveUp(): void {
    this.#isGivenUp = true
    this.break()
  }

  /** Closes the idle connections but one: the other pool needs connections. */
  async giveWay(): Promise<void> {
    for (let count = this.idleCount; count > 1; count--) {
      const client = await super.connect()
      client.release(true)
    }
  }

  /** Resolves when all connections have ended: by themselves, or after `ms` milliseconds because they are broken. */
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
    const { wait, isUnresponsive } = this.#settings
    const start = clock.now().getTime()
    for (;;) {
      if (this.#isGivenUp || isUnresponsive()) throw new DatabaseUnavailableError()
      try {
        return await super.connect()
      } catch (error) {
        if (!isFull(error) || clock.now().getTime() - start >= wait) throw error
        this.#shrink()
        await clock.sleep(backOff(fullPause, 0))
      }
    }
  }

  /**
   * For a while, waiting statements share the existing connections: to request more would only keep the server busy.
   */
  #shrink(): void {
    this.#settings.onFull()
    this.options.max = Math.max(1, Math.min(this.options.max, this.totalCount))
    this.#small ??= clock.sleep(smallFor).then(() => {
      this.options.max = this.#settings.connections
      this.#small = undefined
    })
  }
}

/** Lowers the priority of the server's process for a connection. Where that is not permitted, it keeps its priority. */
function lowerPriority(client: pg.ClientBase, niceness: number): void {
  if (!('processID' in client) || typeof client.processID !== 'number') return
  try {
    setPriority(client.processID, niceness)
  } catch {}
}

/** Connections to the server that is current when they are opened. */
const clientOf = (servers: Servers) =>
  class extends pg.Client {
    constructor(config: pg.ClientConfig = {}) {
      super({ ...config, connectionString: servers.current.url })
      // The answer to a statement and the end of the session may arrive together. The pool no longer listens then, and
      // the next user of the connection does not yet. An error without a listener would end the process.
      this.on('error', () => {})
    }
  }
