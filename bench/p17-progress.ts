import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { jobEventInterval } from '../src/events/events.ts'
import { scheduleJob } from '../src/job/commands.ts'
import { findJobRecord } from '../src/job/store/jobs.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { openGraphqlDoor } from './door.ts'
import { bencher, verifyJobs, withScheduler } from './jobs.ts'
import { compare } from './measure.ts'
import { answerSoon, attachFleet } from './present-fleet.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = 100_000
const quickDevices = 2_000
const subscribers = 20

const query = `subscription ($jobId: String!) {
  deviceJobStatistics(jobId: $jobId) {
    version
    deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount cancelledCount }
  }
}`

type Counters = Readonly<Record<'deviceCount' | 'pendingCount' | 'runningCount' | 'succeededCount', number>>
type Update = {
  readonly deviceJobStatistics: { readonly version: number; readonly deviceJobStatistics: Counters }
}

/** P17: whether who follows a job is told of it no oftener than promised, however fast it runs, and of its end. */
export async function progress(bench: Bench): Promise<Row[]> {
  const devices = bench.quick ? quickDevices : full
  await registerDevices(bench, 'p17', devices)
  return [
    await compare(bench, {
      name: 'P17',
      what: `updates to a subscriber of a job over ${devices.toLocaleString('en')} devices`,
      unit: 'of allowed',
      baselineName: `its duration ÷ ${jobEventInterval} ms + 2`,
      limit: { kind: 'gate', atMost: 1 },
      ours: () => follow(bench, devices),
      baseline: async () => ({ value: 1, cpuMicros: {} }),
    }),
  ]
}

/** The updates of the subscriber who gets most, as a share of those that are allowed. */
async function follow(bench: Bench, devices: number): Promise<Run> {
  const { deps } = bench
  await forgetJobs(bench)
  const closers = createClosers()
  try {
    const door = await openGraphqlDoor(deps)
    closers.add(door.close)
    let takeAnswer: Parameters<typeof attachFleet>[2] = () => {}
    const detach = await attachFleet(bench, 'p17', (request) => takeAnswer(request))
    closers.add(async () => detach())
    return await withScheduler(deps, async (scheduler) => {
      takeAnswer = answerSoon(scheduler)
      const start = performance.now()
      const jobId = await scheduleJob(deps, bencher, {
        type: 'scheduleDeviceMethod',
        queryCondition: "tags.fleet = 'p17'",
        cloudToDeviceMethod: { methodName: 'reboot' },
      })
      const told = await Promise.all(Array.from({ length: subscribers }, () => countUpdates(door.url, jobId, devices)))
      const allowed = (performance.now() - start) / jobEventInterval + 2
      await verifyJobs(deps, [jobId], devices)
      if ((await findJobRecord(deps.db, jobId))?.endTime === null)
        throw new VoidRunError('Void: the job has not ended.')
      return { value: Math.max(...told) / allowed, cpuMicros: {} }
    })
  } finally {
    await closers.close()
  }
}

/** Counts until it is over. Void unless all sums hold, no version comes twice and the last update is the end. */
async function countUpdates(url: string, jobId: string, devices: number): Promise<number> {
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 })
  let count = 0
  let last: Update['deviceJobStatistics'] | undefined
  for await (const { data } of client.iterate<Update>({ query, variables: { jobId } })) {
    const update = data?.deviceJobStatistics
    if (update === undefined) throw new VoidRunError('Void: an update without data.')
    const { deviceCount, pendingCount, runningCount, succeededCount } = update.deviceJobStatistics
    const isRight =
      deviceCount === pendingCount + runningCount + succeededCount && update.version > (last?.version ?? 0)
    if (!isRight) throw new VoidRunError(`Void: ${JSON.stringify(update)} after ${JSON.stringify(last)}.`)
    last = update
    count++
  }
  await client.dispose()
  if (last?.deviceJobStatistics.succeededCount !== devices) {
    throw new VoidRunError(`Void: the last update is ${JSON.stringify(last)}.`)
  }
  return count
}
