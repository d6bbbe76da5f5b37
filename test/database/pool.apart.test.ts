import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Pool } from '../../src/database/pool.ts'
import { serversOf } from '../../src/database/servers.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openDatabaseProxy, type TcpProxy } from '../support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy & { readonly url: string }
beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await openDatabaseProxy(database.url)
})
afterAll(async () => {
  await proxy.close()
  await database.drop()
})

test('a session that ends together with its last answer fails the statement that waits for it, and not the process', async () => {
  const uncaught: unknown[] = []
  const keep = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', keep)
  const pool = new Pool({
    servers: serversOf(proxy.url),
    name: 'test',
    options: '',
    connections: 1,
    wait: 60_000,
    patience: 60_000,
    isUnresponsive: () => false,
    onFull: () => {},
  })
  onTestFinished(async () => {
    await pool.close(0)
    process.off('uncaughtException', keep)
  })
  const holder = await database.pool.connect()
  await holder.query('select pg_advisory_lock(1)')
  const [own] = (await pool.query<{ pid: number }>('select pg_backend_pid() as pid')).rows
  const state = async (): Promise<unknown> =>
    (await database.pool.query('select state, wait_event_type from pg_stat_activity where pid = $1', [own?.pid]))
      .rows[0]

  const first = pool.query('select pg_advisory_lock(1)')
  const second = pool.query('select 2 as two')
  second.catch(() => {})
  await expect.poll(state).toEqual({ state: 'active', wait_event_type: 'Lock' })
  // What the session says from now on arrives at once.
  proxy.breakOpen('drop')
  await holder.query('select pg_advisory_unlock(1)')
  holder.release()
  await expect.poll(state).toMatchObject({ state: 'idle' })
  await database.pool.query('select pg_terminate_backend($1, 10000)', [own?.pid])
  await proxy.become('forward')

  expect((await first).rows).toHaveLength(1)
  await expect(second).rejects.toThrow('not queryable')
  expect(uncaught).toEqual([])
  expect((await pool.query('select 3 as three')).rows).toEqual([{ three: 3 }])
})
