import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { scheduleCalls } from '../support/several-hubs.ts'

let database: TestDatabase
/** Milliseconds by which the clock of one machine is ahead of the others. */
let ahead = 0
const moved: Clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + ahead) }
let right: TestApp
let wrong: TestApp
const fleets: Fleet[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  const variables = { DATABASE_URL: database.url, LIMIT_INSTANCE_LEASE: '3000' }
  right = await startApp(variables)
  wrong = await startApp(variables, moved, moved)
})
afterAll(async () => {
  for (const fleet of fleets) await fleet.close()
  await wrong.close()
  await right.close()
  await database.drop()
})

const clockOf = async (app: TestApp): Promise<{ readonly status: number; readonly clock: unknown }> => {
  const response = await fetch(new URL('/readyz', app.addresses.http))
  const { checks } = await response.json()
  return { status: response.status, clock: checks.clock }
}
const metricOf = async (app: TestApp): Promise<number> => {
  const text = await (await fetch(app.addresses.metrics)).text()
  return Number(/^twincast_clock_difference_seconds (.+)$/m.exec(text)?.[1])
}

test('an instance whose clock is wrong says so and calls none of its devices until it is right again', async () => {
  const devices = await registerFleet(right.client, 'timed', 4, () => ({ kind: 'answer' }))
  for (const [index, app] of [right, wrong].entries()) {
    const own = devices.slice(index * 2, index * 2 + 2)
    fleets.push(createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices: own }))
  }
  ahead = 10_000
  await expect.poll(() => clockOf(wrong)).toMatchObject({ status: 200, clock: { ok: false } })
  expect(await clockOf(right)).toEqual({ status: 200, clock: { ok: true } })
  expect(await metricOf(wrong)).toBeLessThan(-9)
  // It still takes devices: they may have nowhere else to go.
  for (const fleet of fleets) await fleet.connect()

  const jobId = await scheduleCalls(right, 'timed')
  const completed = async (): Promise<number> => {
    const { nodes } = await readDeviceJobs(right.client, jobId)
    return nodes.filter(({ status }) => status === 'COMPLETED').length
  }
  await expect.poll(completed).toBe(2)
  expect(fleets.map(({ ledger }) => ledger.entries.length)).toEqual([2, 0])

  ahead = 0
  await expect.poll(completed).toBe(4)
  expect(fleets.map(({ ledger }) => ledger.entries.length)).toEqual([2, 2])
  expect(await clockOf(wrong)).toEqual({ status: 200, clock: { ok: true } })
})
