import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { createBareDatabase, type TestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { twincast } from '../support/twincast.ts'
import { ScheduleMethod, WatchStatistics } from './operations.ts'

// Each hub and each command starts a PostgreSQL of its own.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

let root: string
let folder: string
let hub: HubProcess
let backup: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'twincast-backup-'))
  folder = join(root, 'hub')
  backup = join(root, 'hub.tar.gz')
  hub = await startHubProcess({ ...anyPort, DATA_DIR: folder })
})
afterAll(async () => {
  await hub.kill()
  // The database of a hub that was killed may still write files.
  await rm(root, { recursive: true, force: true, maxRetries: 20 })
})

function spawnCommand(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const { PATH } = process.env
  return spawn(process.execPath, [twincast, ...args], { cwd: root, env: { PATH, ...variables } })
}

async function run(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const child = spawnCommand(args, variables)
  let message = ''
  child.stderr.on('data', (chunk) => {
    message += chunk
  })
  child.stdout.resume()
  const [code] = await once(child, 'close')
  return { code, message }
}

test('a hub that is restored from the backup of a running hub ends its job, with the same keys', async () => {
  const client = createHubClient({ url: hub.addresses.graphql })
  const devices = await registerFleet(client, 'pump', 20, () => ({ kind: 'answer', payload: null, delayMs: 0 }))
  await client.execute(ScheduleMethod, {
    input: {
      jobId: 'before',
      queryCondition: "tags.fleet = 'pump'",
      cloudToDeviceMethod: { methodName: 'reboot' },
      maxExecutionTimeInSeconds: 900,
    },
  })
  const states = client.subscribe(WatchStatistics, { jobId: 'before' })
  for await (const { deviceJobStatistics } of states) {
    if (deviceJobStatistics.deviceJobStatistics?.deviceCount === 20) break
  }
  client.close()
  expect(await run(['backup', backup], { DATA_DIR: folder })).toEqual({
    code: 0,
    message: 'The backup has 20 devices and 1 job.\n',
  })
  expect((await stat(backup)).mode & 0o777).toBe(0o600)
  expect(await run(['backup', backup], { DATA_DIR: folder })).toMatchObject({ code: 2 })
  await hub.stop()
  const again = join(root, 'again.tar.gz')
  expect(await run(['backup', again, '--data-dir', folder])).toMatchObject({ code: 0 })

  const copy = join(root, 'copy')
  const restored = await run(['restore', again, '--data-dir', copy])
  expect(restored).toEqual({ code: 0, message: expect.stringMatching(/^Restored 20 devices and 1 job of 20/) })
  expect(await run(['restore', backup, '--data-dir', copy])).toEqual({
    code: 6,
    message: expect.stringMatching(/^The database is not empty\. Nothing was changed\./),
  })
  for (const name of ['ca.pem', 'iothubowner-key', 'policies.json']) {
    expect(await readFile(join(copy, name), 'utf8')).toBe(await readFile(join(folder, name), 'utf8'))
  }
  hub = await startHubProcess({ ...anyPort, DATA_DIR: copy })
  const port = Number(new URL(hub.addresses.mqtt ?? '').port)
  const fleet = createFleet({ host: '127.0.0.1', port, hubName: 'localhost', devices })
  const other = createHubClient({ url: hub.addresses.graphql })
  try {
    await fleet.connect()
    for await (const _ of other.subscribe(WatchStatistics, { jobId: 'before' }));
    const job = await readDeviceJobs(other, 'before')
    expect(job.status).toBe('COMPLETED')
    expect(job.nodes.map(({ status }) => status)).toEqual(Array(20).fill('COMPLETED'))
  } finally {
    other.close()
    await fleet.close()
  }
})

test('a restore that is killed in the middle leaves the database empty, for another one', async () => {
  const database: TestDatabase = await createBareDatabase()
  try {
    const bytes = await readFile(backup)
    const variables = { DATABASE_URL: database.url, DATA_DIR: join(root, 'killed') }
    const child = spawnCommand(['restore', '-'], variables)
    const ended = once(child, 'close')
    child.stdin.write(bytes.subarray(0, bytes.length - 100))
    // It has tables, which no other connection sees, and waits for the rest.
    const filling = `select from pg_stat_activity a join pg_locks l on l.pid = a.pid
      where application_name = 'twincast restore' and a.datname = current_database()
        and l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and a.query like 'copy%'`
    await expect.poll(async () => (await database.pool.query(filling)).rows.length).toBeGreaterThan(10)
    child.kill('SIGKILL')
    await ended
    const active =
      "select from pg_stat_activity where application_name = 'twincast restore' and datname = current_database()"
    await expect.poll(async () => (await database.pool.query(active)).rows.length).toBe(0)
    const tables = "select relname from pg_class where relnamespace = 'public'::regnamespace"
    expect((await database.pool.query(tables)).rows).toEqual([])
    expect(await run(['restore', backup], variables)).toMatchObject({ code: 0 })
  } finally {
    await database.drop()
  }
})
