import type net from 'node:net'
import pg from 'pg'
import type { Log } from '../log/log.ts'
import { openSocket } from './socket.ts'

/** The connection to the database goes through an unsuitable pooler. The message is a sentence that says what to do. */
export class PoolerError extends Error {
  override readonly name = 'PoolerError'
}

/** Milliseconds to connect, and for a statement. */
const patience = 10_000
/** Number of checks: between two statements another client may have taken over our connection. */
const looks = 5

/**
 * Refuses a pooler, such as pgbouncer, that gives a client another connection for each transaction. Listening, advisory
 * locks, prepared statements and settings belong to a session; without them the hub would start and then fail.
 */
export async function refuseTransactionPooling(
  url: string,
  log: Pick<Log, 'warn'>,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  const sockets = new Set<net.Socket>()
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  signal?.addEventListener('abort', breakOff, { once: true })
  const open = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'twincast check',
      connectionTimeoutMillis: patience,
      query_timeout: patience,
      options: '-c statement_timeout=9999',
      stream: () => openSocket(sockets),
    })
    client.on('error', () => {}) // the statement under way reports it
    await client.connect()
    return client
  }
  const clients: pg.Client[] = []
  try {
    for (let count = 0; count < 2; count++) clients.push(await open())
    const [one, other] = clients
    if (one === undefined || other === undefined) return
    const first = await pidOf(one)
    for (let look = 0; look < looks; look++) {
      await other.query('begin')
      const pids = [await pidOf(other), await pidOf(one)]
      await other.query('rollback')
      if (pids[0] === first || pids[1] !== first) throw new PoolerError(transactionPooling)
    }
    const { rows } = await one.query<{ statement_timeout: string }>('show statement_timeout')
    if (rows[0]?.statement_timeout !== '9999ms') {
      log.warn(
        'the connection pooler ignores session settings: set them for the user as described in docs/operations.md',
      )
    }
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('unsupported startup parameter'))) throw error
    throw new PoolerError(`${startupParameters} (Its message: ${error.message}.)`, { cause: error })
  } finally {
    signal?.removeEventListener('abort', breakOff)
    breakOff()
  }
}

const transactionPooling =
  'The connection pooler assigns a connection per transaction (pool_mode = transaction or statement). ' +
  'Twincast requires sessions. Set pool_mode = session for it, or connect to the database directly.'

const startupParameters =
  'The connection pooler refuses session settings. Set ignore_startup_parameters = options and ' +
  'pool_mode = session in pgbouncer.ini, or connect to the database directly.'

async function pidOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
