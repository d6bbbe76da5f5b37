import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { BackupError, type Entry, partBytes, readArchive, writeArchive } from '../../src/backup/archive.ts'
import { NotEmptyError, restoreBackup } from '../../src/backup/restore-backup.ts'
import { NoHubError, writeBackup } from '../../src/backup/write-backup.ts'
import { systemClock } from '../../src/clock.ts'
import { pauseJob, resumeJob } from '../../src/job/commands.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createWebhook } from '../../src/webhook/commands.ts'
import { createBareDatabase, type TestDatabase } from '../support/database.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, tester } from '../support/rows.ts'

const files = { 'iothubowner-key': 'a\n', 'policies.json': '[]\n', 'ca.pem': 'ca\n', 'ca-key.pem': 'key\n' }

let deps: TestDeps
let root: string
let backup: Buffer
let job: string
let target: TestDatabase
let folder: string

beforeAll(async () => {
  deps = await createTestDeps()
  root = await mkdtemp(join(tmpdir(), 'twincast-backup-'))
  const source = await mkdtemp(join(root, 'hub-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(source, name), text)
  await writeFile(join(source, 'database-password'), 'of the machine')
  const [answering = '', silent = ''] = await givenDevices(deps, 'pump', 3)
  await insertDevices('big', 300, 9_000)
  // A job with an answered call, one in flight, and a device that is not connected.
  await givenPresent(deps, [answering, silent])
  const instance = await createInstance(deps)
  const detach = [answering, silent].map((id) =>
    deps.attached.attach(id, (request) => id === answering && instance.answer(request)),
  )
  job = await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 10 }).run(deps.clock.now())
  await instance.dispatch()
  for (const end of detach) end()
  await instance.stop()
  await pauseForWebhook()
  backup = await save(deps.database.url, source)
})
afterAll(async () => {
  await deps.close()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  target = await createBareDatabase()
  folder = await mkdtemp(join(root, 'restored-'))
})
afterEach(() => target.drop())

/** Devices whose tags have characters that the text of COPY escapes, and this length. */
const insertDevices = (prefix: string, count: number, length: number) =>
  deps.database.pool.query(`
    with devices as (
      insert into device (id, generation_id, created_time)
      select '${prefix}' || n, 'g', now() from generate_series(1, ${count}) n returning id
    )
    insert into twin (device_id, tags)
    select id, jsonb_build_object('text', E'a\\tb\\\\.\\n"ä' || repeat('x', ${length})) from devices`)

/** A job that was paused and resumed, and a webhook that was to be notified of both. */
async function pauseForWebhook(): Promise<void> {
  const paused = await givenMethodJob(deps, 'pump', {}, { startTime: new Date(deps.clock.now().getTime() + 3_600_000) })
  await createWebhook(deps, tester, { url: 'https://example.com/hook', events: ['job.paused', 'job.resumed'] })
  await pauseJob(deps, tester, paused)
  await resumeJob(deps, tester, paused)
}

async function save(url: string, source: string): Promise<Buffer> {
  const out = new PassThrough()
  const [bytes] = await Promise.all([buffer(out), writeBackup({ clock: systemClock }, { url, folder: source }, out)])
  return bytes
}

const restore = (bytes: Buffer) => restoreBackup({ url: target.url, folder }, Readable.from([bytes]))

/** All rows of all tables, and where the sequences are. */
async function stateOf({ pool }: TestDatabase): Promise<Readonly<Record<string, unknown>>> {
  const { rows } = await pool.query<{ name: string; kind: string }>(
    `select relname as name, relkind as kind from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'S') and relname <> '_prisma_migrations'`,
  )
  const state: Record<string, unknown> = {}
  for (const { name, kind } of rows) {
    const text =
      kind === 'S'
        ? `select last_value, is_called from ${name}`
        : `select count(*), md5(string_agg(t::text, '|' order by t::text collate "C")) from ${name} t`
    state[name] = (await pool.query(text)).rows[0]
  }
  return state
}

const tableCount = async (): Promise<number> =>
  (await target.pool.query("select from pg_class where relnamespace = 'public'::regnamespace")).rows.length

/** The backup with other files: `change` gets the text of each, and leaves it out by undefined. */
async function changed(change: (entry: Entry, text: string) => string | undefined): Promise<Buffer> {
  const out = new PassThrough()
  const bytes = buffer(out)
  const archive = writeArchive(out, new Date())
  for await (const entry of readArchive(Readable.from([backup]))) {
    const text = change(entry, entry.bytes.toString())
    if (text !== undefined) await archive.add(entry.name, Buffer.from(text))
  }
  await archive.finish()
  return await bytes
}

const refusal = async (bytes: Buffer): Promise<string> => {
  const error: unknown = await restore(bytes).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(BackupError)
  expect({ tables: await tableCount(), key: await isThere('iothubowner-key') }).toEqual({ tables: 0, key: false })
  return error instanceof Error ? error.message : ''
}

const isThere = (name: string): Promise<boolean> =>
  stat(join(folder, name)).then(
    () => true,
    () => false,
  )

test('a restored database has the rows of the hub, with a job in flight, and the migrations', async () => {
  expect(await counters(deps, job)).toBe('running: 1 pending, 1 running, 1 succeeded, 0 failed, 0 canceled')
  expect(await restore(backup)).toMatchObject({ devices: 303, jobs: 2 })
  expect((await target.pool.query('select from webhook_delivery')).rows).toHaveLength(2)
  expect(await stateOf(target)).toEqual(await stateOf(deps.database))
  const migrations = 'select migration_name, checksum from _prisma_migrations order by 1'
  expect((await target.pool.query(migrations)).rows).toEqual((await deps.database.pool.query(migrations)).rows)
})

test('the keys and the CA get into the data folder, and nothing of the machine', async () => {
  await restore(backup)
  for (const [name, text] of Object.entries(files)) expect(await readFile(join(folder, name), 'utf8')).toBe(text)
  expect((await stat(join(folder, 'ca-key.pem'))).mode & 0o777).toBe(0o600)
  expect(await isThere('database-password')).toBe(false)
})

test('the rows of a backup are of one moment, whatever is written meanwhile', async () => {
  const { pool, url } = deps.database
  const other = await pool.connect()
  let written: Promise<Buffer>
  try {
    // The last table is read after a row was written.
    await other.query('begin; lock table webhook in access exclusive mode')
    written = save(url, folder)
    const waiting = "select from pg_locks where relation = 'webhook'::regclass and not granted"
    await expect.poll(async () => (await pool.query(waiting)).rows.length).toBe(1)
    await other.query(
      `insert into webhook (id, url, events, enabled, secret, created_time, created_by)
       values (gen_random_uuid(), 'https://a.example', '{}', true, 's', now(), 'a')`,
    )
    await other.query('commit')
  } finally {
    other.release()
  }
  await restore(await written)
  expect((await target.pool.query("select from webhook where url = 'https://a.example'")).rows).toEqual([])
  await pool.query("delete from webhook where url = 'https://a.example'")
})

test('10,000 devices are restored', async () => {
  await insertDevices('small', 9_697, 10)
  const many = await save(deps.database.url, folder)
  expect(await restore(many)).toMatchObject({ devices: 10_000 })
  expect(await stateOf(target)).toEqual(await stateOf(deps.database))
})

test('a backup that ends in the middle is refused, wherever it ends', async () => {
  for (const share of [0.02, 0.5, 0.99]) {
    expect(await refusal(backup.subarray(0, Math.floor(backup.length * share)))).toMatch(/^It ends early/)
  }
  // Also where the compression is complete.
  const tar = gunzipSync(backup)
  expect(await refusal(gzipSync(tar.subarray(0, tar.indexOf('end.json'))))).toMatch(/^It ends early/)
  expect(await refusal(await changed(({ name }, text) => (name === 'end.json' ? undefined : text)))).toMatch(
    /^It ends early/,
  )
})

test('a file that is no backup is refused', async () => {
  const sentence = 'It is not a backup that twincast backup wrote.'
  expect(await refusal(Buffer.from('{}'))).toBe(sentence)
  expect(await refusal(gzipSync('{}'.repeat(1_000)))).toMatch(/^It is (?:damaged|not a backup)/)
  expect(await refusal(await changed(() => undefined))).toBe(sentence)
  expect(await refusal(await changed(({ name }, text) => (name === 'manifest.json' ? '{"form":1}' : text)))).toBe(
    sentence,
  )
})

test('a backup of a newer release is refused with what to do', async () => {
  const inManifest = (from: string, to: string) =>
    changed(({ name }, text) => (name === 'manifest.json' ? text.replace(from, to) : text))
  const advice = /^A newer release of Twincast .*Restore it with that release\.$/
  expect(await refusal(await inManifest('"form": 1', '"form": 2'))).toMatch(advice)
  expect(await refusal(await inManifest('"migrations": {', '"migrations": { "99990101000000_x": "y",'))).toMatch(advice)
})

test('rows that were changed are found, and nothing is restored', async () => {
  const twins = /^tables\/twin\//
  expect(await refusal(await changed(({ name }, text) => (twins.test(name) ? text.replace('x', 'y') : text)))).toBe(
    'It is damaged: the rows of the table twin are not those that were written.',
  )
  expect(await refusal(await changed(({ name }, text) => (twins.test(name) ? undefined : text)))).toMatch(/table twin/)
  expect(
    await refusal(await changed(({ name }, text) => (name === 'manifest.json' ? text.replace('"tags"', '"t"') : text))),
  ).toMatch(/^Its tables are not those of its migrations/)
})

test('rows that differ from the backup after restoring are found, and nothing is restored', async () => {
  // What PostgreSQL made of the text of the rows, which itself is the one that was written.
  const ofTwins = /"twin": \{[^}]*"digest": "-?/
  const other = await changed(({ name }, text) => (name === 'end.json' ? text.replace(ofTwins, '$&1') : text))
  expect(await refusal(other)).toBe(
    'The table twin differs from the backup after restoring (303 of 303 rows). Nothing was changed.',
  )
})

test('a database or a data folder in use is refused before anything changes', async () => {
  await writeFile(join(folder, 'ca.pem'), 'another')
  await expect(restore(backup)).rejects.toThrow(/has other files than the backup: ca\.pem/)
  expect(await tableCount()).toBe(0)
  await rm(join(folder, 'ca.pem'))
  await target.pool.query('create table mine ()')
  await expect(restore(backup)).rejects.toThrow(NotEmptyError)
  expect({ tables: await tableCount(), key: await isThere('iothubowner-key') }).toEqual({ tables: 1, key: false })
})

test('a database without a hub has no backup', async () => {
  await expect(save(target.url, folder)).rejects.toThrow(NoHubError)
})

test('a large table is divided into parts', async () => {
  const sizes: number[] = []
  for await (const { name, bytes } of readArchive(Readable.from([backup]))) {
    if (name.startsWith('tables/twin/')) sizes.push(bytes.length)
  }
  expect(sizes.length).toBeGreaterThan(1)
  expect(Math.max(...sizes)).toBeLessThan(2 * partBytes)
})
