import type net from 'node:net'
import pg from 'pg'
import { openSocket } from './socket.ts'

/** A PostgreSQL server. `name` is its host and port; `url` leads to the hub's database on it. */
export type Server = { readonly name: string; readonly url: string }

/**
 * The servers that may have the database. At any time one of them can be written, the primary; the others are its
 * standbys. All connections lead to the current one. Who finds that another one has become the primary calls `use`.
 */
export type Servers = {
  /** At least one, in the order in which they are tried. */
  readonly all: readonly Server[]
  readonly current: Server
  use(server: Server): void
}

/** No server can be used; the message has a reason for each. */
export class NoPrimaryError extends Error {
  override readonly name = 'NoPrimaryError'
}

/** A server answers and cannot be written. */
export class StandbyError extends Error {
  override readonly name = 'StandbyError'
  constructor({ name }: Server) {
    super(`${name} is read-only: it is a standby, or default_transaction_read_only is on.`)
  }
}

/** Milliseconds for a server to answer at the start of the hub. */
const patience = 5_000

/** True for a standby, which is always read-only, and for a server that was made read-only. */
export const askIfReadOnly = `select current_setting('transaction_read_only')::boolean as "isReadOnly"`

/**
 * The servers of a URL that names one or several, as libpq accepts them: `postgresql://user@a:5432,b:5432/name`. The
 * first one is current.
 */
export function serversOf(url: string): Servers {
  const [, scheme = '', authority = '', rest = ''] = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/s.exec(url) ?? []
  const at = authority.lastIndexOf('@') + 1
  const hosts = authority.slice(at).split(',')
  const all =
    hosts.length === 1
      ? [{ name: authority.slice(at), url }]
      : hosts.map((host) => ({ name: host, url: `${scheme}${authority.slice(0, at)}${host}${rest}` }))
  let [current = { name: '', url }] = all
  return {
    all,
    get current() {
      return current
    },
    use(server) {
      current = server
    },
  }
}

/**
 * Makes the first server current that can be written. Rejects with a NoPrimaryError when there is none. A server that is
 * alone is not asked: its first use shows whether it can be used.
 */
export async function findPrimary(servers: Servers, signal?: AbortSignal): Promise<void> {
  if (servers.all.length === 1) return
  const reasons: string[] = []
  for (const server of servers.all) {
    signal?.throwIfAborted()
    const reason = await whyNotPrimary(server, signal)
    if (reason === undefined) return servers.use(server)
    reasons.push(reason)
  }
  throw new NoPrimaryError(`None of the servers can be written: ${reasons.join(' ')}`)
}

async function whyNotPrimary(server: Server, signal: AbortSignal | undefined): Promise<string | undefined> {
  const sockets = new Set<net.Socket>()
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  signal?.addEventListener('abort', breakOff, { once: true })
  const client = new pg.Client({
    connectionString: server.url,
    application_name: 'twincast check',
    connectionTimeoutMillis: patience,
    query_timeout: patience,
    stream: () => openSocket(sockets),
  })
  client.on('error', () => {}) // the statement under way reports it
  try {
    await client.connect()
    await refuseStandby(client, server)
    return undefined
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof StandbyError) return error.message
    return `${server.name} cannot be used (${error instanceof Error ? error.message : String(error)}).`
  } finally {
    signal?.removeEventListener('abort', breakOff)
    breakOff()
  }
}

/** Rejects with a StandbyError when the server of this connection cannot be written. */
export async function refuseStandby(client: pg.Client, server: Server): Promise<void> {
  const { rows } = await client.query<{ isReadOnly: boolean }>(askIfReadOnly)
  if (rows[0]?.isReadOnly === true) throw new StandbyError(server)
}
