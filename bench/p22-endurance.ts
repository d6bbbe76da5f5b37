import pg from 'pg'
import type { MethodRequest } from '../src/attached-devices.ts'
import type { Bench } from './benchmark.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { runMethodJobs, verifyJobs, withScheduler } from './jobs.ts'
import { measure } from './measure.ts'
import { answerSoon, attachFleet } from './present-fleet.ts'
import type { Row, Run } from './row.ts'

const full = { devices: 10_000, jobs: 200 }
const quickSizes = { devices: 200, jobs: 20 }
/** Jobs that run at a time. */
const together = 5

/**
 * P22: whether the hub is as fast after many operations as at the beginning, and whether its tables are larger than
 * their rows. The rounds are the tenths of one long run: nothing is forgotten between them.
 */
export async function endurance(bench: Bench): Promise<Row[]> {
  const { devices, jobs } = bench.quick ? quickSizes : full
  await registerDevices(bench, 'p22', devices)
  await forgetJobs(bench)
  const { deps, meters, signal, say } = bench
  let takeAnswer = (_request: MethodRequest): void => {}
  const detach = await attachFleet(bench, 'p22', (request) => takeAnswer(request))
  try {
    return await withScheduler(deps, async (scheduler) => {
      takeAnswer = answerSoon(scheduler)
      const batches: Run[] = []
      for (let begun = 0; begun < jobs; begun += together) {
        let ids: string[] = []
        const operations = together * devices
        const { seconds, cpuMicros } = await measure(meters, operations, async () => {
          ids = await runMethodJobs(deps, { count: together, queryCondition: "tags.fleet = 'p22'" }, signal)
        })
        await verifyJobs(deps, ids, devices)
        batches.push({ value: operations / seconds, cpuMicros })
        say(`P22, ${begun + together} of ${jobs} jobs: ${Math.round(operations / seconds).toLocaleString('en')} op/s`)
      }
      const tenth = Math.max(Math.floor(batches.length / 10), 1)
      const total = (jobs * devices).toLocaleString('en')
      return [
        {
          name: 'P22',
          what: `the last tenth of ${total} method calls, answered in process`,
          unit: 'op/s',
          baselineName: 'the first tenth',
          ours: batches.slice(-tenth),
          // The first one warms up.
          baseline: batches.slice(1, tenth + 1),
          limit: bench.quick ? undefined : { kind: 'gate', atLeast: 0.95 },
          notes: [],
        },
        await tableSizes(bench, total),
      ]
    })
  } finally {
    detach()
  }
}

const facts = ['job', 'device_job', 'device_job_dispatch', 'device_job_outcome']

/** The tables of jobs with their indexes, against the same rows after a VACUUM FULL. */
async function tableSizes({ databaseUrl, quick }: Bench, total: string): Promise<Row> {
  // A connection of its own has no time limit.
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const size = async (): Promise<Run> => {
    const { rows } = await client.query<{ bytes: number }>(
      'select sum(pg_total_relation_size(name::regclass))::float8 as bytes from unnest($1::text[]) name',
      [facts],
    )
    return { value: (rows[0]?.bytes ?? Number.NaN) / 1_024, cpuMicros: {} }
  }
  const ours = await size()
  await client.query(`vacuum full ${facts.join(', ')}`)
  const baseline = await size()
  await client.end()
  return {
    name: 'P22 size',
    what: `the tables of jobs after ${total} method calls`,
    unit: 'KB',
    baselineName: 'the same rows after VACUUM FULL',
    // A size is exact: more rounds would give the same.
    ours: Array(3).fill(ours),
    baseline: Array(3).fill(baseline),
    limit: quick ? undefined : { kind: 'goal', atMost: 1.3 },
    notes: [],
  }
}
