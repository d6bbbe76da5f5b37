import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { forgetJobs, settleTables } from './devices.ts'
import { registerFleet } from './fleet.ts'
import { type BenchHub, leaveHub } from './hub.ts'
import { connectEvenly, scheduleAt, startInstances, untilNoneIsOpen } from './instances.ts'
import { verifyJobs } from './jobs.ts'
import { type Meter, measure } from './measure.ts'
import type { Run } from './row.ts'

export const dividedSizes = { full: { devices: 6_000, jobs: 10 }, quick: { devices: 300, jobs: 3 } }

/** Method jobs over connected devices, by instances that share the work. */
export type DividedJobs = {
  /** CPU time of the instances, of PostgreSQL and of `alsoCounted` per device of a job. */
  run(): Promise<Run>
  close(): Promise<void>
}

/** Starts the instances on the hub's database, and connects devices to the gateways among them. */
export async function openDividedJobs(
  bench: Bench,
  {
    hub,
    fleet,
    roles,
    env,
    alsoCounted = () => 0,
  }: {
    readonly hub: BenchHub
    readonly fleet: string
    readonly roles: readonly string[]
    readonly env?: Readonly<Record<string, string>>
    readonly alsoCounted?: Meter
  },
): Promise<DividedJobs> {
  const { signal, quick } = bench
  const { devices: count, jobs } = quick ? dividedSizes.quick : dividedSizes.full
  const { deps, databaseUrl, meters } = hub
  const keys = await registerFleet({ ...bench, deps }, fleet, count)
  await leaveHub(deps)
  const closers = createClosers()
  try {
    const instances = await startInstances({ databaseUrl, signal }, roles, env)
    closers.add(instances.close)
    const gateways = instances.all.filter((_, index) => roles[index]?.includes('gateway'))
    const devices = await connectEvenly(keys, gateways, signal)
    closers.add(devices.close)
    await settleTables({ deps, signal })
    const api = instances.all.find((_, index) => roles[index]?.includes('api'))
    return {
      async run() {
        if (api === undefined) throw new RangeError('No instance has the role api.')
        // Otherwise the tables would grow from round to round.
        await forgetJobs({ deps })
        const ids: string[] = []
        const { cpuMicros } = await measure(
          {
            hub: async () => Number(await instances.cpu()) + Number(await alsoCounted()),
            database: meters.database,
            devices: devices.cpu,
          },
          jobs * count,
          async () => {
            for (let scheduled = 0; scheduled < jobs; scheduled++) {
              ids.push(await scheduleAt(api, `tags.fleet = '${fleet}'`))
            }
            await untilNoneIsOpen(deps.db, signal)
          },
        )
        await verifyJobs(deps, ids, count)
        return { value: (cpuMicros.hub ?? Number.NaN) + (cpuMicros.database ?? Number.NaN), cpuMicros }
      },
      close: closers.close,
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
