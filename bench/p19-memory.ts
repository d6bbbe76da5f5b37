import { scheduleJob } from '../src/job/commands.ts'
import { startHub } from './answering.ts'
import { gatherAudience } from './audience.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { settleTables } from './devices.ts'
import { connectDevices, registerFleet } from './fleet.ts'
import { leaveHub } from './hub.ts'
import { bencher } from './jobs.ts'
import { compare } from './measure.ts'
import type { Row, Run } from './row.ts'

const full = { devices: 10_000, subscribers: 5_000 }
const quickSizes = { devices: 200, subscribers: 100 }
/** KB of resident memory. */
const allowed = { device: 25, subscriber: 20 }

const statisticsSubscription = `subscription {
  deviceJobStatistics(jobId: "p19") {
    version
    deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount cancelledCount }
    job { jobId status outcome }
  }
}`

/** P19: the resident memory of a connected device and of a subscriber. Each run has a hub of its own. */
export async function residentMemory(bench: Bench): Promise<Row[]> {
  const { devices, subscribers } = bench.quick ? quickSizes : full
  const { deps, signal } = bench
  const keys = await registerFleet(bench, 'p19', devices)
  await scheduleJob(deps, bencher, {
    jobId: 'p19',
    type: 'scheduleDeviceMethod',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
    startTime: new Date(deps.clock.now().getTime() + 86_400_000),
  })
  await settleTables(bench)
  const half = devices / 2
  const connected = (count: number): string => `${count.toLocaleString('en')} to ${(2 * count).toLocaleString('en')}`
  return [
    await compare(bench, {
      name: 'P19 device',
      what: `resident memory of a connected device, from ${connected(half)}`,
      unit: 'KB',
      baselineName: 'what is allowed',
      limit: { kind: 'gate', atMost: 1 },
      ours: () =>
        growth(bench, half, ({ mqttPort }, from) => connectDevices(keys.slice(from, from + half), mqttPort, signal)),
      baseline: async () => ({ value: allowed.device, cpuMicros: {} }),
    }),
    await compare(bench, {
      name: 'P19 subscriber',
      what: `resident memory of a subscriber, from ${connected(subscribers / 2)}`,
      unit: 'KB',
      baselineName: 'what is allowed',
      limit: { kind: 'gate', atMost: 1 },
      ours: () =>
        growth(bench, subscribers / 2, async ({ port }) => {
          const url = `ws://127.0.0.1:${port}/graphql`
          const audience = await gatherAudience({ url, count: subscribers / 2, query: statisticsSubscription }, signal)
          await audience.everybody(1)
          return audience
        }),
      baseline: async () => ({ value: allowed.subscriber, cpuMicros: {} }),
    }),
  ]
}

type Hub = Awaited<ReturnType<typeof startHub>>

/** What the second half of the connections adds: the first half has also filled the caches of the hub. */
async function growth(
  { deps, databaseUrl, signal }: Bench,
  count: number,
  connect: (hub: Hub, from: number) => Promise<{ close(): Promise<void> }>,
): Promise<Run> {
  const closers = createClosers()
  try {
    await leaveHub(deps)
    const hub = await startHub(databaseUrl, signal)
    closers.add(hub.close)
    closers.add((await connect(hub, 0)).close)
    const before = await hub.residentBytes()
    closers.add((await connect(hub, count)).close)
    return { value: ((await hub.residentBytes()) - before) / count / 1_024, cpuMicros: {} }
  } finally {
    await closers.close()
  }
}
