import { sqltag as sql } from '@prisma/client/runtime/client'
import type { MethodRequest } from '../src/attached-devices.ts'
import type { Bench } from './benchmark.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { runMethodJobs, verifyJobs, withScheduler } from './jobs.ts'
import { compare, meanCpu, measure } from './measure.ts'
import { answerSoon, attachFleet } from './present-fleet.ts'
import type { CpuMicros, Row } from './row.ts'

const full = { few: 10_000, many: 100_000 }
const quickSizes = { few: 500, many: 2_000 }
const oneMillion = 1_000_000
/** Jobs over the few in a run: one alone would use so little CPU that the clock tick shows. */
const repeatCount = 5

/**
 * P6: whether a device costs the same however many there are in its job. So many are not connected over MQTT: sessions
 * in this process answer for them, and what is measured is the job's own work, from the expansion to the last outcome.
 */
export async function scale(bench: Bench): Promise<Row[]> {
  const { few, many } = bench.quick ? quickSizes : full
  const larger = bench.million ? [many, oneMillion] : [many]
  for (const count of [few, ...larger]) await registerDevices(bench, fleetOf(count), count)

  const rows: Row[] = []
  for (const count of larger) {
    const row = await compare(bench, {
      name: count === many ? 'P6' : 'P6 million',
      what: `one method job over ${count.toLocaleString('en')} devices, answered in process`,
      unit: 'CPU µs/device',
      baselineName: `the same over ${few.toLocaleString('en')}`,
      limit: { kind: 'gate', atMost: 1.3 },
      ours: () => meanCpu(1, () => runJob(bench, count)),
      baseline: () => meanCpu(repeatCount, () => runJob(bench, few)),
    })
    rows.push(row)
  }
  return rows
}

const fleetOf = (count: number): string => `p6-${count}`

/** One job over a fleet of this size, with a database that knows of no other. */
async function runJob(bench: Bench, devices: number): Promise<CpuMicros> {
  const { deps, meters, signal } = bench
  await forgetJobs(bench)
  let takeAnswer = (_request: MethodRequest): void => {}
  const detach = await attachFleet(bench, fleetOf(devices), (request) => takeAnswer(request))
  try {
    return await withScheduler(deps, async (scheduler) => {
      takeAnswer = answerSoon(scheduler)
      let ids: string[] = []
      const { cpuMicros } = await measure(meters, devices, async () => {
        const queryCondition = `tags.fleet = '${fleetOf(devices)}'`
        ids = await runMethodJobs(deps, { count: 1, queryCondition }, signal)
        // What the job leaves to be written later is part of its price.
        await deps.db.query(sql`checkpoint`)
      })
      await verifyJobs(deps, ids, devices)
      return cpuMicros
    })
  } finally {
    detach()
  }
}
