import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { readConfig } from '../../src/config.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { createBareDatabase, type TestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { WatchStatistics } from './operations.ts'

const root = resolve(import.meta.dirname, '../..')
const release = '0.1.0'
const primaryKey = Buffer.alloc(32, 3).toString('base64')
const secondaryKey = Buffer.alloc(32, 4).toString('base64')

/** The migrations of the release, as the changelog lists them. */
async function migrationsOf(version: string): Promise<readonly string[]> {
  const changelog = await readFile(join(root, 'CHANGELOG.md'), 'utf8')
  const section = changelog.split(/^## /m).find((text) => text.startsWith(`${version} `)) ?? ''
  return [...section.matchAll(/^\| `(\d{14}_\w+)` \|/gm)].map(([, name = '']) => name)
}

/** The database as the release left it, with the record of its migrations. */
async function migrateAs(version: string, { pool }: TestDatabase): Promise<readonly string[]> {
  const names = await migrationsOf(version)
  await pool.query(`create table _prisma_migrations (
    id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null,
    logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(),
    applied_steps_count integer not null default 0)`)
  for (const name of names) {
    const sql = await readFile(join(root, 'prisma/migrations', name, 'migration.sql'), 'utf8')
    await pool.query(sql)
    await pool.query(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values (gen_random_uuid(), $1, $2, now())`,
      [createHash('sha256').update(sql).digest('hex'), name],
    )
  }
  return names
}

/**
 * Three devices, and a running job: `answered` has answered, `called` was called when the hub stopped, and `waiting` is
 * offline. An instance that was killed holds the presence of `called`.
 */
const rows = `
  insert into instance (id, lease_until) values ('old', 'infinity');
  insert into device (id, generation_id, primary_key, secondary_key, created_time)
    select id, 'g', '${primaryKey}', '${secondaryKey}', now() - interval '1 hour' from unnest(array['answered', 'called', 'waiting']) id;
  update device set connection_state = 'connected', connection_id = 'c', instance_id = 'old' where id = 'called';
  insert into twin (device_id, tags, reported) select id, '{"fleet": "old"}', '{"firmware": 7}' from device;
  with new_job as (
    insert into job (id, type, status, query_condition, request, created_time, start_time, started_time,
                     max_execution_time_seconds, deadline, device_count, pending_count, running_count, succeeded_count, version)
    values ('in-flight', 'scheduleDeviceMethod', 'running', 'tags.fleet = ''old''',
            '{"methodName": "reboot", "payload": null, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 0}',
            now() - interval '1 minute', now() - interval '1 minute', now() - interval '1 minute',
            3600, now() + interval '1 hour', 3, 1, 1, 1, 3)
    returning key
  ), targets as (
    insert into device_job select key, id from new_job, unnest(array['answered', 'called', 'waiting']) id
  ), marks as (
    insert into device_job_dispatch
    select key, id, now() - interval '30 seconds', now() + interval '2 seconds' from new_job, unnest(array['answered', 'called']) id
  ), events as (
    insert into job_event (job_key, version, time, type, status, cause)
    select key, 1, now() - interval '1 minute', 'scheduled', 'scheduled', 'user' from new_job
    union all select key, 2, now() - interval '1 minute', 'started', 'running', 'schedule' from new_job
  )
  insert into device_job_outcome (job_key, device_id, ended_time, response_status, response_payload, version)
  select key, 'answered', now() - interval '20 seconds', 200, '{"ok":true}', 3 from new_job`

test(`a database of release ${release} with a job in flight is migrated, and the job ends with all its devices`, async () => {
  const database = await createBareDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-upgrade-'))
  const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }
  try {
    const names = await migrateAs(release, database)
    expect(names).toHaveLength(7)
    await database.pool.query(rows)
    const config = readConfig({ ...ports, DATABASE_URL: database.url, DATA_DIR: folder }, folder)
    const app = createApp(config, { log: pino({ level: 'silent' }) })
    const { graphql = '', mqtt = '' } = await app.start()
    const client = createHubClient({ url: graphql })
    const fleet = createFleet({
      host: '127.0.0.1',
      port: Number(new URL(mqtt).port),
      hubName: 'localhost',
      devices: [{ deviceId: 'waiting', primaryKey, behaviour: { kind: 'answer', payload: { index: 1 }, delayMs: 0 } }],
    })
    try {
      await fleet.connect()
      for await (const _ of client.subscribe(WatchStatistics, { jobId: 'in-flight' }));
      const job = await readDeviceJobs(client, 'in-flight')
      expect(job.status).toBe('COMPLETED')
      expect(job.nodes.map(({ deviceId, status, error }) => [deviceId, status, error?.code])).toEqual([
        ['answered', 'COMPLETED', undefined],
        ['called', 'FAILED', expect.any(String)],
        ['waiting', 'COMPLETED', undefined],
      ])
      const kept = await database.pool.query(
        `select (select count(*)::integer from twin where reported = '{"firmware": 7}') as twins,
                (select count(*)::integer from _prisma_migrations where finished_at is not null) as migrations,
                (select connection_state from device where id = 'called') as called`,
      )
      const all = await readdir(join(root, 'prisma/migrations'), { withFileTypes: true })
      const migrations = all.filter((entry) => entry.isDirectory()).length
      expect(kept.rows).toEqual([{ twins: 3, migrations, called: 'disconnected' }])
    } finally {
      client.close()
      await fleet.close()
      await app.stop()
    }
  } finally {
    await database.drop()
    await rm(folder, { recursive: true })
  }
})

test('an instance of an older release goes on next to a newer one, and does not start again', async () => {
  const database = await createBareDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-upgrade-'))
  const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }
  const appIn = (name: string) => {
    const variables = { ...ports, DATABASE_URL: database.url, DATA_DIR: join(folder, name) }
    return createApp(readConfig(variables, folder), { log: pino({ level: 'silent' }) })
  }
  const running = appIn('a')
  try {
    const { graphql = '' } = await running.start()
    // What a newer instance does first.
    await database.pool.query(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at)
       values (gen_random_uuid(), 'c', '99990101000000_newer', now())`,
    )
    const message = await appIn('b')
      .start()
      .then(
        () => 'it started',
        (error: Error) => String(error.cause),
      )
    expect(message).toMatch(/A newer release of Twincast used this database.*Start the newer release/)
    const client = createHubClient({ url: graphql })
    expect(await registerFleet(client, 'new', 1, () => ({ kind: 'silent' }))).toHaveLength(1)
    client.close()
    // The refused one has left nothing that others would wait for.
    const { rows } = await database.pool.query('select id from instance')
    expect(rows).toHaveLength(1)
  } finally {
    await running.stop()
    await database.drop()
    await rm(folder, { recursive: true })
  }
})
