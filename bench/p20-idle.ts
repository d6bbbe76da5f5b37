import { pause } from '../src/cli/abortable.ts'
import { scheduleJob } from '../src/job/commands.ts'
import { startHub } from './answering.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { settleTables } from './devices.ts'
import { connectDevices, registerFleet } from './fleet.ts'
import { leaveHub } from './hub.ts'
import { bencher } from './jobs.ts'
import { compare, measure } from './measure.ts'
import type { Row, Run } from './row.ts'
import { openTransactionCount } from './transactions.ts'

const full = { devices: 10_000, jobs: 1_000, seconds: 30 }
const quickSizes = { devices: 100, jobs: 10, seconds: 2 }
/** What a hub without work may use each second: milliseconds of CPU time with its PostgreSQL, and transactions. */
const allowed = { cpuMs: 20, transactions: 2 }

/** P20: what a hub costs while nothing happens. Its devices are connected, and its jobs are due tomorrow. */
export async function idle(bench: Bench): Promise<Row[]> {
  const { devices, jobs, seconds } = bench.quick ? quickSizes : full
  const { deps, databaseUrl, signal, meters, say } = bench
  const keys = await registerFleet(bench, 'p20', devices)
  const startTime = new Date(deps.clock.now().getTime() + 86_400_000)
  for (let count = 0; count < jobs; count++) {
    await scheduleJob(deps, bencher, {
      type: 'scheduleDeviceMethod',
      queryCondition: "tags.fleet = 'p20'",
      cloudToDeviceMethod: { methodName: 'reboot' },
      startTime,
    })
  }
  await settleTables(bench)
  const closers = createClosers()
  try {
    await leaveHub(deps)
    await deps.db.close()
    const hub = await startHub(databaseUrl, signal)
    closers.add(hub.close)
    say(`connecting ${devices.toLocaleString('en')} devices`)
    const fleet = await connectDevices(keys, hub.mqttPort, signal)
    closers.add(fleet.close)
    // Collects what connecting left on the heap, which Node.js would do some time in the next minute.
    await hub.residentBytes()
    const countTransactions = await openTransactionCount(databaseUrl, closers)

    const transactions: Run[] = []
    const row = await compare(bench, {
      name: 'P20 CPU',
      what: `${devices.toLocaleString('en')} devices connected, ${jobs.toLocaleString('en')} jobs of tomorrow, hub and PostgreSQL`,
      unit: 'CPU ms/s',
      baselineName: 'what is allowed',
      limit: { kind: 'gate', atMost: 1 },
      async ours() {
        const before = await countTransactions()
        const { cpuMicros } = await measure(
          { hub: hub.cpu, database: meters.database, devices: fleet.cpu },
          seconds,
          () => pause(seconds * 1_000, signal),
        )
        const count = (await countTransactions()) - before
        transactions.push({ value: count / seconds, cpuMicros: {} })
        return { value: ((cpuMicros.hub ?? Number.NaN) + (cpuMicros.database ?? Number.NaN)) / 1_000, cpuMicros }
      },
      baseline: async () => ({ value: allowed.cpuMs, cpuMicros: {} }),
    })
    return [
      row,
      {
        ...row,
        name: 'P20 SQL',
        what: 'the same, transactions of the hub',
        unit: 'transactions/s',
        // That of the warm-up comes first.
        ours: transactions.slice(1),
        baseline: row.baseline.map((run) => ({ ...run, value: allowed.transactions })),
      },
    ]
  } finally {
    await closers.close()
  }
}
