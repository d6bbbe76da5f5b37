import { expect } from 'vitest'
import type { Deps } from '../../src/deps.ts'
import type { TestDatabase } from './database.ts'

/** A condition that no device meets, as expensive as its 8 KB can be. */
export const slowCondition = Array.from({ length: 330 }, (_, n) => `tags.n % 5e-324 = ${1 + (n % 9)}`).join(' OR ')

/** So many devices that to look for those that meet it takes the database seconds. */
export async function givenDevicesForSlowCondition({ database }: { readonly database: TestDatabase }): Promise<void> {
  await database.pool.query(
    `insert into device (id, generation_id, created_time)
     select 'many-' || number, 'g', now() from generate_series(1, 20000) number`,
  )
  await database.pool.query(
    `insert into twin (device_id, tags) select id, jsonb_build_object('n', 1e308) from device where id like 'many-%'`,
  )
}

/** How many statements of clients' queries PostgreSQL works on. */
async function queriesUnderWay({ database }: { readonly database: TestDatabase }): Promise<number> {
  const { rows } = await database.pool.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and state = 'active' and application_name like 'twincast read %'`,
  )
  return rows.length
}

type Following = Pick<Deps, 'db'> & { readonly database: TestDatabase }

/** Waits until there are some: of one caller, one for two seconds, and two then. */
export const untilUnderWay = (deps: Following) =>
  expect.poll(() => queriesUnderWay(deps), { interval: 20 }).toBeGreaterThan(0)

/** Waits until there are none. */
export const untilEnded = (deps: Following) => expect.poll(() => queriesUnderWay(deps), { interval: 20 }).toBe(0)
