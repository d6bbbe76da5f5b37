import type net from 'node:net'
import pg from 'pg'
import { systemClock as clock } from '../clock.ts'
import { findPrimary, serversOf } from './servers.ts'
import { openSocket } from './socket.ts'

/** Milliseconds to connect, and to close gracefully. The work has no time limit: a signal ends the wait for it. */
const connectTime = 10_000
const farewellTime = 2_000

/**
 * Does work on a connection of its own, outside of the pools, and closes it. Of several servers in the URL it uses the one
 * that can be written. `name` is what `pg_stat_activity` shows.
 * When `signal` aborts, the connection breaks, and the work under way rejects; PostgreSQL then undoes its transaction.
 */
export async function withConnection<T>(
  url: string,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal | undefined },
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const servers = serversOf(url)
  await findPrimary(servers, signal)
  const sockets = new Set<net.Socket>()
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const client = new pg.Client({
    connectionString: servers.current.url,
    application_name: name,
    connectionTimeoutMillis: connectTime,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => openSocket(sockets),
  })
  client.on('error', () => {}) // the statement under way reports it
  signal?.addEventListener('abort', breakOff, { once: true })
  try {
    await client.connect()
    return await work(client)
  } finally {
    signal?.removeEventListener('abort', breakOff)
    // Releases advisory locks. A connection that does not answer cannot close gracefully.
    const ended = new AbortController()
    await Promise.race([client.end().catch(() => {}), clock.sleep(farewellTime, ended.signal)])
    ended.abort()
    breakOff()
  }
}
