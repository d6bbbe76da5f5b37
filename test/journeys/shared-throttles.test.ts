import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const allowed = 10
/** No time goes by in which a throttle could grant more. */
const start = systemClock.now()
const standing: Clock = { ...systemClock, now: () => start }

let database: TestDatabase
const apps: TestApp[] = []
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()))
  await database.drop()
})

async function startOne(THROTTLE: string): Promise<TestApp> {
  const app = await startApp({ DATABASE_URL: database.url, THROTTLE, THROTTLE_QUERIES: `${allowed}/min` }, standing)
  apps.push(app)
  return app
}

/** How many of so many queries the instance answers. */
async function ask({ addresses, ownerToken }: TestApp, count: number): Promise<number> {
  const statuses: number[] = []
  for (let sent = 0; sent < count; sent++) {
    const response = await fetch(`${addresses.http}/devices/query?api-version=2021-04-12`, {
      method: 'POST',
      headers: { authorization: ownerToken, 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'SELECT * FROM devices' }),
    })
    statuses.push(response.status)
    await response.arrayBuffer()
  }
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
  return statuses.filter((status) => status === 200).length
}

test('two instances together let through what the tier allows, and no more', async () => {
  const [one, two] = [await startOne('S1'), await startOne('S1')]
  const metrics = async (): Promise<string> => (await fetch(one.addresses.metrics)).text()
  await expect.poll(metrics).toContain('twincast_instances{role="api"} 2')
  const answered = [await ask(one, allowed), await ask(two, allowed)]
  expect(Math.min(...answered)).toBeGreaterThan(0)
  expect(answered.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(allowed)
})
