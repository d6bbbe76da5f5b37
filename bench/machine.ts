import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Db } from '../src/database/client.ts'

/** What the numbers were measured on. */
export type Machine = Readonly<Record<string, string>>

export async function describeMachine(db: Db): Promise<Machine> {
  const settings = await db.query<{ name: string; setting: string }>(
    sql`select name, setting from pg_settings where name in ('server_version', 'fsync', 'synchronous_commit')`,
  )
  const postgres = new Map(settings.map(({ name, setting }) => [name, setting]))
  return {
    cores: `${availableParallelism()} (${cpus()[0]?.model.trim() ?? 'unknown'})`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    load: `${(loadavg()[0] ?? Number.NaN).toFixed(2)} before the first row`,
    node: process.version,
    PostgreSQL: postgres.get('server_version') ?? 'unknown',
    fsync: postgres.get('fsync') ?? 'unknown',
    synchronous_commit: postgres.get('synchronous_commit') ?? 'unknown',
  }
}
