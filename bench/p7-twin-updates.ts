import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Bench } from './benchmark.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { runTwinJob, withScheduler } from './jobs.ts'
import { compare, meanCpu, measure } from './measure.ts'
import { type CpuMicros, type Row, VoidRunError } from './row.ts'

const full = { few: 10_000, many: 100_000 }
const quickSizes = { few: 500, many: 2_000 }
const oneMillion = 1_000_000
/** Jobs over the few in a run: one alone would use so little CPU that the clock tick shows. */
const repeatCount = 5

/** P7: whether the change of a twin costs the same however many devices its job has, with a new value in each run. */
export async function twinUpdates(bench: Bench): Promise<Row[]> {
  const { few, many } = bench.quick ? quickSizes : full
  const larger = bench.million ? [many, oneMillion] : [many]
  for (const count of [few, ...larger]) await registerDevices(bench, fleetOf(count), count)

  let wave = 0
  const rows: Row[] = []
  for (const count of larger) {
    const row = await compare(bench, {
      name: count === many ? 'P7' : 'P7 million',
      what: `one twin job over ${count.toLocaleString('en')} devices`,
      unit: 'CPU µs/device',
      baselineName: `the same over ${few.toLocaleString('en')}`,
      limit: { kind: 'gate', atMost: 1.8 },
      ours: () => meanCpu(1, () => runJob(bench, count, ++wave)),
      baseline: () => meanCpu(repeatCount, () => runJob(bench, few, ++wave)),
    })
    rows.push(row)
  }
  return rows
}

const fleetOf = (count: number): string => `p7-${count}`

/** One job over a fleet of this size, with a database that knows of no other. */
async function runJob(bench: Bench, devices: number, wave: number): Promise<CpuMicros> {
  const { deps, meters, signal } = bench
  await forgetJobs(bench)
  return await withScheduler(deps, async () => {
    const { cpuMicros } = await measure(meters, devices, async () => {
      const queryCondition = `tags.fleet = '${fleetOf(devices)}'`
      await runTwinJob(deps, { updateTwin: { properties: { desired: { wave } } }, queryCondition }, signal)
      // What the job leaves to be written later is part of its price.
      await deps.db.query(sql`checkpoint`)
    })
    await verifyTwins(bench, devices, wave)
    return cpuMicros
  })
}

/** Every device of the fleet has the value and one outcome. Otherwise VoidRunError. */
async function verifyTwins({ deps }: Bench, devices: number, wave: number): Promise<void> {
  const [counts] = await deps.db.query<{ changed: number; outcomes: number }>(
    sql`select
          (select count(*)::integer from twin
            where tags @> ${JSON.stringify({ fleet: fleetOf(devices) })}::jsonb and desired->'wave' = to_jsonb(${wave}::integer)
          ) as changed,
          (select count(*)::integer from device_job_outcome) as outcomes`,
  )
  if (counts?.changed !== devices || counts.outcomes !== devices) {
    throw new VoidRunError(`Void: a twin job over ${devices} devices ended with ${JSON.stringify(counts)}.`)
  }
}
