import type { TestDatabase } from './database.ts'

/**
 * PostgreSQL's clock, which rates, windows and waits go by, is that of the test from now on: the functions of the hub find this
 * `clock_timestamp` first. Connections that exist already keep the real one.
 */
export async function installClock({ pool, url }: TestDatabase, now: Date): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  await pool.query(`
    create schema test_clock;
    create unlogged table test_clock.moment (time timestamptz not null);
    create function test_clock.clock_timestamp() returns timestamptz language sql volatile as 'select time from test_clock.moment';
    alter database ${name} set search_path = test_clock, pg_catalog, public`)
  await pool.query('insert into test_clock.moment values ($1)', [now])
}

/** Sets the clock that `installClock` has installed. */
export async function setClock({ pool }: TestDatabase, now: Date): Promise<void> {
  await pool.query('update test_clock.moment set time = $1', [now])
}
