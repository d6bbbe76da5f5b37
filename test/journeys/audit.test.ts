import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startHubProcess } from '../support/hub-process.ts'

/** Clients that change something all the time. */
const clients = 16
/** How many changes were answered when the program is killed, each time. */
const killCount = [40, 200, 500]

let database: TestDatabase
let folder = ''
beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'twincast-audit-'))
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const start = () =>
  startHubProcess({
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    HTTP_PORT: '0',
    HTTPS_PORT: '0',
    MQTT_PORT: '0',
    MQTTS_PORT: '0',
    METRICS_PORT: '0',
  })

const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
const changes = [
  (id: string) => `createDevice(input: { deviceId: "${id}" }) { ... on CreateDevicePayload { device { deviceId } } }`,
  (id: string) =>
    `scheduleTwinUpdate(input: { jobId: "${id}", queryCondition: "*", startTime: "${tomorrow}",
      updateTwin: { tags: { a: 1 } } }) { ... on ScheduleJobPayload { job { jobId } } }`,
] as const

const texts = async (statement: string): Promise<readonly string[]> => {
  const { rows } = await database.pool.query<{ text: string }>(statement)
  return rows.map(({ text }) => text)
}

test('after a kill there is an entry for each change, and a change for each entry', { timeout: 300_000 }, async () => {
  const answered: string[] = []
  for (const count of killCount) {
    const hub = await start()
    let killed: Promise<void> | undefined
    const change = async (id: string, number: number): Promise<void> => {
      const mutation = changes[number % changes.length]?.(id)
      const response = await fetch(hub.addresses.graphql, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: `mutation { ${mutation} }` }),
      })
      expect((await response.json()).errors).toBeUndefined()
      answered.push(id)
      if (answered.length >= count) killed ??= hub.kill()
    }
    const work = async (client: number): Promise<void> => {
      for (let number = 0; killed === undefined; number++) {
        // Of two clients that create the same device or job, one is refused.
        await change(`${count}-${client >> 1}-${number}`, number).catch((error: unknown) => {
          if (killed === undefined) throw error
        })
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, client) => work(client)))
    await killed
    // What PostgreSQL had got before the kill, it still carries out.
    const connections =
      "select pid::text as text from pg_stat_activity where application_name like 'twincast%' and datname = current_database()"
    await expect.poll(() => texts(connections)).toEqual([])
  }

  const changed = await texts('select id as text from device union all select id from job order by 1')
  const written = await texts("select target as text from audit_entry where outcome = 'succeeded' order by 1")
  expect(written).toEqual(changed)
  expect(await texts('select outcome as text from audit_entry group by 1 order by 1')).toEqual(['refused', 'succeeded'])
  expect(changed).toEqual(expect.arrayContaining(answered))
})
