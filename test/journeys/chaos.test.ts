import { expect, onTestFinished, test } from 'vitest'
import { runChaos } from '../chaos/chaos.ts'
import type { Pace } from '../chaos/plan.ts'
import { createTestDatabase } from '../support/database.ts'
import { isNatsMissing } from '../support/nats-server.ts'

/** Everything happens within the time of a test. */
const shortPace: Pace = {
  freeze: 6,
  natsDown: 6,
  partition: [3, 7],
  recovery: 4,
  rollingRestart: 12,
  pause: [0.5, 2],
}

test('a hub of six processes that are killed, frozen and cut off at random loses no call and sends none twice', {
  timeout: 480_000,
  retry: 0,
}, async ({ signal }) => {
  const database = await createTestDatabase()
  onTestFinished(() => database.drop())
  const lines: string[] = []
  const { summary } = await runChaos({
    databaseUrl: database.url,
    seed: 3,
    seconds: 35,
    devices: 200,
    natsServers: isNatsMissing ? 0 : 1,
    pace: shortPace,
    variables: { LIMIT_INSTANCE_LEASE: '3000' },
    signal,
    say: (line) => lines.push(line),
  })
  const { lost, doubled, faults, calls } = summary.verdict
  expect({ lost, doubled, faults }, lines.join('\n')).toEqual({ lost: 0, doubled: 0, faults: [] })
  expect(calls).toBeGreaterThan(summary.devices)
  expect(new Set(summary.plan.map(({ disturbance }) => disturbance.kind))).toEqual(
    new Set(['kill', 'freeze', 'half-open', 'partition', 'rolling restart', ...(isNatsMissing ? [] : ['nats'])]),
  )
})
