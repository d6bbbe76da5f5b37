import { expect, test } from 'vitest'
import { createFleet } from '../../src/simulator/fleet.ts'
import type { LedgerEntry } from '../../src/simulator/received-calls.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { freePorts } from '../support/ports.ts'
import { openSeveralHubs } from '../support/several-hubs.ts'
import { ScheduleMethod, WatchStatistics } from './operations.ts'

const siteCount = 6
const devicesPerSite = 16
const maxConcurrent = 2
const size = siteCount * devicesPerSite
/** How many calls the devices have received when an instance is killed, each time. */
const killCounts = [15, 35, 55]

test('no site has more calls in progress than its budget, as its devices see it, at two instances that are killed', {
  timeout: 300_000,
}, async () => {
  const hubs = await openSeveralHubs()
  const ports = await freePorts(2)
  const startAt = (port: number | undefined) => hubs.start({ MQTT_PORT: String(port) })
  const [first, second] = [await startAt(ports[0]), await startAt(ports[1])]
  /** What the devices know: from the arrival of the request to the moment in which they answer. */
  const inProgress = new Map<string, Set<string>>()
  const siteOf = ({ deviceId }: Pick<LedgerEntry, 'deviceId'>) => `site-${Number(deviceId.slice(7)) % siteCount}`
  let most = 0
  let received = 0
  let next: { readonly count: number; reached(): void } | undefined
  const receivedCalls = (count: number) =>
    new Promise<void>((reached) => {
      next = { count, reached }
      if (received >= count) reached()
    })
  const listeners = {
    onMethodRequest(entry: LedgerEntry) {
      const site = inProgress.get(siteOf(entry)) ?? new Set()
      inProgress.set(siteOf(entry), site.add(entry.rid))
      most = Math.max(most, site.size)
      received++
      if (next !== undefined && received >= next.count) next.reached()
    },
    onMethodAnswer: (entry: LedgerEntry) => inProgress.get(siteOf(entry))?.delete(entry.rid),
  }
  const devices = await registerFleet(
    second.client,
    'budget',
    size,
    (index) => ({ kind: 'answer', payload: null, delayMs: 40 + (index % 7) * 30 }),
    (index) => ({ site: `site-${index % siteCount}` }),
  )
  // Each site has devices at both instances.
  const fleets = ports.map((port, place) =>
    createFleet(
      {
        host: '127.0.0.1',
        port,
        hubName: 'localhost',
        devices: devices.filter((_, index) => Math.floor(index / siteCount) % 2 === place),
      },
      listeners,
    ),
  )
  try {
    await Promise.all(fleets.map((fleet) => fleet.connect()))
    await second.client.execute(ScheduleMethod, {
      input: {
        jobId: 'budgeted',
        queryCondition: "tags.fleet = 'budget'",
        rollout: { budget: { groupBy: 'tags.site', maxConcurrent } },
        // Longer than any device takes: until then, a call without an outcome counts.
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 10 },
      },
    })
    let killed = first
    for (const count of killCounts) {
      await receivedCalls(count)
      // Devices that are working come back on other connections.
      fleets[1]?.drop()
      await killed.kill()
      killed = await startAt(ports[0])
    }
    for await (const _ of second.client.subscribe(WatchStatistics, { jobId: 'budgeted' }));

    expect(most).toBe(maxConcurrent)
    const called = fleets.flatMap((fleet) => fleet.ledger.entries.map(({ deviceId }) => deviceId))
    expect(new Set(called).size).toBe(called.length)
    const { nodes, status, deviceJobStatistics } = await readDeviceJobs(second.client, 'budgeted')
    expect(status).toBe('COMPLETED')
    expect(deviceJobStatistics).toMatchObject({ deviceCount: size, pendingCount: 0, runningCount: 0 })
    // Marked before a kill, or the answer was lost with its connection.
    const codes = nodes.filter((node) => node.status !== 'COMPLETED').map(({ error }) => error?.code)
    expect(['OutcomeUnknown', 'GatewayTimeout']).toEqual(expect.arrayContaining([...new Set(codes)]))
    expect(codes.length).toBeLessThanOrEqual(killCounts.length * siteCount * maxConcurrent)
    expect((await hubs.database.pool.query('select from budget_group')).rowCount).toBe(0)
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.close()))
    await hubs.close()
  }
})
