import { sqltag as sql } from '@prisma/client/runtime/client'
import { abortable } from '../src/cli/abortable.ts'
import type { Bench } from './benchmark.ts'
import { forgetJobs } from './devices.ts'
import { type ConnectedFleet, connectFleet } from './fleet.ts'
import { runMethodJobs, withScheduler } from './jobs.ts'
import { compare } from './measure.ts'
import { runJobs } from './p1-pipeline.ts'
import type { Row } from './row.ts'

const full = { devices: 10_000, jobs: 10 }
const quickSizes = { devices: 500, jobs: 10 }
/** Jobs on one device each: afterwards the tables of facts fit on one page. */
const smallJobs = 60

/** P4: whether large jobs run as fast on a hub that has had only small ones, whose statistics PostgreSQL plans with. */
export async function afterSmallJobs(bench: Bench): Promise<Row[]> {
  const { devices, jobs } = bench.quick ? quickSizes : full
  const fleet = await connectFleet(bench, 'p4', devices)
  const queryCondition = "tags.fleet = 'p4'"
  try {
    return [
      await compare(bench, {
        name: 'P4',
        what: `${jobs} method jobs over ${devices.toLocaleString('en')} devices, after ${smallJobs} jobs over one device`,
        unit: 'op/s',
        baselineName: 'the same again, with the statistics of large jobs',
        limit: { kind: 'gate', atLeast: 0.9 },
        async ours() {
          await forgetJobs(bench)
          await runSmallJobs(bench, fleet)
          await analyzeFacts(bench)
          return runJobs(bench, fleet, { count: jobs, queryCondition })
        },
        // It follows a run of ours; the first one, which is not counted, follows nothing.
        async baseline() {
          await analyzeFacts(bench)
          return runJobs(bench, fleet, { count: jobs, queryCondition })
        },
      }),
    ]
  } finally {
    await fleet.close()
  }
}

async function runSmallJobs({ deps, signal }: Bench, fleet: ConnectedFleet): Promise<void> {
  const queryCondition = `deviceId = '${fleet.deviceIds[0]}'`
  await withScheduler(deps, async (scheduler) => {
    fleet.take((answer) => scheduler.takeAnswer(answer))
    await runMethodJobs(deps, { count: smallJobs, queryCondition }, signal)
  })
}

/** As autovacuum does some time after the jobs. It also makes PostgreSQL plan its prepared statements again. */
async function analyzeFacts({ deps: { db }, signal }: Bench): Promise<void> {
  await abortable(db.query(sql`analyze job, device_job, device_job_dispatch, device_job_outcome`), signal)
}
