import { Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { abortable } from '../src/cli/abortable.ts'
import { limitTime } from '../src/database/bounded-read.ts'
import type { Tx } from '../src/database/reader.ts'
import { scheduleJob } from '../src/job/commands.ts'
import { expandJob } from '../src/job/store/targets.ts'
import { compileCondition } from '../src/query/compiler.ts'
import { deviceFields } from '../src/query/fields.ts'
import { parseCondition } from '../src/query/parser.ts'
import { everything } from '../src/scope.ts'
import type { Bench } from './benchmark.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { bencher } from './jobs.ts'
import { compare, measure } from './measure.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = 100_000
const quickDevices = 2_000

/** P9: fixing a job's devices, against the least that a database can do to copy as many ids. */
export async function expansion(bench: Bench): Promise<Row[]> {
  const devices = bench.quick ? quickDevices : full
  await registerDevices(bench, 'p9', devices)
  await bench.deps.db.query(sql`create table bench_target (
    job_key bigint not null,
    device_id text collate "C" not null,
    primary key (job_key, device_id)
  )`)
  const rows: Row[] = []
  for (const { name, share, queryCondition } of [
    { name: 'P9 all', share: 1, queryCondition: "tags.fleet = 'p9'" },
    { name: 'P9 tenth', share: 0.1, queryCondition: 'tags.decile = 3' },
  ]) {
    const expected = devices * share
    const condition = compileCondition(parseCondition(queryCondition), deviceFields)
    const predicate = new Sql(condition.strings, condition.values)
    const row = await compare(bench, {
      name,
      what: `expansion of a job to ${expected.toLocaleString('en')} of ${devices.toLocaleString('en')} devices`,
      unit: 'rows/s',
      baselineName: 'a bare INSERT … SELECT with the same predicate',
      limit: { kind: 'goal', atLeast: 0.7 },
      async ours() {
        // Nobody starts it: there is no scheduler.
        const cloudToDeviceMethod = { methodName: 'reboot' }
        const job = { type: 'scheduleDeviceMethod', queryCondition, cloudToDeviceMethod } as const
        const id = await scheduleJob(bench.deps, bencher, job)
        return insert(bench, expected, (tx) =>
          limitTime(tx, 600_000).then((tx) => expandJob(tx, everything, id, condition)),
        )
      },
      baseline: () =>
        insert(bench, expected, async (tx) => {
          await tx.query(sql`
            insert into bench_target (job_key, device_id)
            select 1, d.id from device d join twin t on t.device_id = d.id where ${predicate}`)
        }),
    })
    rows.push(row)
  }
  return rows
}

/** Times one transaction, commit and all, that fills an empty table; then empties it. */
async function insert(
  { deps, meters, signal }: Bench,
  expected: number,
  work: (tx: Tx) => Promise<unknown>,
): Promise<Run> {
  const { seconds, cpuMicros } = await measure(meters, expected, () => abortable(deps.db.transaction(work), signal))
  const [row] = await deps.db.query<{ count: number }>(
    sql`select ((select count(*) from device_job) + (select count(*) from bench_target))::integer as count`,
  )
  if (row?.count !== expected) throw new VoidRunError(`Void: ${row?.count} of ${expected} devices were written.`)
  await deps.db.query(sql`truncate bench_target`)
  await forgetJobs({ deps })
  return { value: expected / seconds, cpuMicros }
}
