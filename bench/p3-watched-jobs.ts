import { sqltag as sql } from '@prisma/client/runtime/client'
import { scheduleJob } from '../src/job/commands.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { openGraphqlDoor } from './door.ts'
import { type ConnectedFleet, connectFleet } from './fleet.ts'
import { type Followers, gatherFollowers } from './following.ts'
import { bencher, untilEnded, verifyJobs, withScheduler } from './jobs.ts'
import { compare, measure } from './measure.ts'
import type { Row, Run } from './row.ts'

const full = { devices: 10_000, jobs: 10, subscribers: 1_000 }
const quickSizes = { devices: 500, jobs: 10, subscribers: 50 }
/** P3: what subscribers cost that follow the jobs of P1. */
export async function watchedJobs(bench: Bench): Promise<Row[]> {
  const { devices, jobs, subscribers } = bench.quick ? quickSizes : full
  const closers = createClosers()
  try {
    const fleet = await connectFleet(bench, 'p3', devices)
    closers.add(() => fleet.close())
    const door = await openGraphqlDoor(bench.deps)
    closers.add(door.close)
    let updates = 0
    const row = await compare(bench, {
      name: 'P3',
      what: `${jobs} method jobs over ${devices.toLocaleString('en')} devices, followed by ${subscribers.toLocaleString('en')} subscribers`,
      unit: 'op/s',
      baselineName: 'the same without subscribers',
      limit: { kind: 'gate', atLeast: 0.9 },
      async ours() {
        const follow = (jobIds: readonly string[]): Promise<Followers> =>
          gatherFollowers({ url: door.url, count: subscribers, jobIds, devices }, bench.signal)
        const run = await runJobs(bench, fleet, jobs, follow)
        updates += run.updates
        return run
      },
      baseline: () => runJobs(bench, fleet, jobs),
    })
    return [
      { ...row, notes: [`the subscribers received ${updates.toLocaleString('en')} updates, the warm-up included`] },
    ]
  } finally {
    await closers.close()
  }
}

/** From the start of the jobs to the end of the last one. They start when everybody follows them. */
async function runJobs(
  { deps, meters, signal }: Bench,
  fleet: ConnectedFleet,
  count: number,
  follow?: (jobIds: readonly string[]) => Promise<Followers>,
): Promise<Run & { readonly updates: number }> {
  const operations = count * fleet.deviceIds.length
  const closers = createClosers()
  try {
    return await withScheduler(deps, async (scheduler) => {
      fleet.take((answer) => scheduler.takeAnswer(answer))
      const startTime = new Date(deps.clock.now().getTime() + 86_400_000)
      const jobIds = await Promise.all(
        Array.from({ length: count }, () =>
          scheduleJob(deps, bencher, {
            type: 'scheduleDeviceMethod',
            queryCondition: "tags.fleet = 'p3'",
            cloudToDeviceMethod: { methodName: 'reboot' },
            startTime,
          }),
        ),
      )
      const followers = await follow?.(jobIds)
      if (followers !== undefined) closers.add(followers.close)
      const { seconds, cpuMicros } = await measure({ ...meters, devices: fleet.cpu }, operations, () =>
        untilEnded(deps, () => startNow(deps, jobIds), signal),
      )
      await verifyJobs(deps, jobIds, fleet.deviceIds.length)
      return { value: operations / seconds, cpuMicros, updates: (await followers?.ended()) ?? 0 }
    })
  } finally {
    await closers.close()
  }
}

async function startNow({ db, events }: Bench['deps'], jobIds: readonly string[]): Promise<readonly string[]> {
  await db.query(sql`update job set start_time = created_time where id = any(${jobIds})`)
  events.publish('work', 'jobs', {})
  return jobIds
}
