import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { abortable } from '../src/cli/abortable.ts'
import type { Deps } from '../src/deps.ts'
import type { Bench } from './benchmark.ts'

/** Rows a statement: one over a million would meet the statement timeout. */
const chunk = 100_000

/**
 * Registers devices `<fleet>-0000000` and so on, faster than a client could: no keys, so they cannot connect. The twins
 * have something for every condition: `tags.fleet`; `tags.building`, of which there are 1,000; `tags.floor` (7) and
 * `tags.decile` (10); a desired and a reported firmware version; and a reported battery level, which one device in 50
 * reports as a text. With `only`, an SQL condition over `id`, those of them that meet it.
 */
export async function registerDevices(
  { deps, signal, say }: Pick<Bench, 'deps' | 'signal' | 'say'>,
  fleet: string,
  count: number,
  only: Sql = sql`true`,
): Promise<void> {
  say(`registering ${count.toLocaleString('en')} devices`)
  for (let from = 0; from < count; from += chunk) {
    const to = Math.min(from + chunk, count) - 1
    const inserted = deps.db.query(
      sql`with created as (
            insert into device (id, generation_id, created_time)
            select id, 'bench', now()
            from generate_series(${from}::integer, ${to}) n
              cross join lateral (select ${`${fleet}-`} || lpad(n::text, 7, '0') as id) named
            where ${only}
            returning id
          )
          insert into twin (device_id, tags, desired, reported)
          select
            id,
            jsonb_build_object('fleet', ${fleet}::text, 'building', n % 1000, 'floor', n % 7, 'decile', n % 10),
            jsonb_build_object('firmware', jsonb_build_object('version', '2.' || n % 3)),
            jsonb_build_object(
              'firmware', jsonb_build_object('version', '1.' || n % 100),
              'battery', case n % 50 when 0 then to_jsonb('unknown'::text) else to_jsonb(n % 100) end
            )
          from created cross join lateral (select right(id, 7)::integer as n) number`,
    )
    await abortable(inserted, signal)
  }
  await settleTables({ deps, signal })
}

/** What autovacuum and the checkpointer would do some time later, in the midst of a measurement. */
export async function settleTables({
  deps: { db },
  signal,
}: {
  readonly deps: Pick<Deps, 'db'>
  readonly signal: AbortSignal
}): Promise<void> {
  await abortable(db.query(sql`vacuum analyze device`), signal)
  await abortable(db.query(sql`vacuum analyze twin`), signal)
  await abortable(db.query(sql`checkpoint`), signal)
}

/** Forgets all jobs and their facts, so that every run begins alike. */
export async function forgetJobs({ deps: { db } }: Pick<Bench, 'deps'>): Promise<void> {
  await db.query(sql`truncate job, device_job, device_job_dispatch, device_job_outcome cascade`)
  await db.query(sql`checkpoint`)
}
