import { pause } from '../src/cli/abortable.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { settleTables } from './devices.ts'
import { registerFleet } from './fleet.ts'
import { leaveHub } from './hub.ts'
import { connectEvenly, startInstances } from './instances.ts'
import { compare } from './measure.ts'
import type { Row } from './row.ts'
import { openTransactionCount } from './transactions.ts'

const full = { devices: 5_000, seconds: 20 }
const quickSizes = { devices: 100, seconds: 5 }
/** Transactions that an instance may cause by leaving. */
const allowed = 50

/** N6: what an instance that leaves politely costs, with devices connected to the others. */
export async function leaving(bench: Bench): Promise<Row[]> {
  const { devices: count, seconds } = bench.quick ? quickSizes : full
  const { deps, databaseUrl, signal } = bench
  const keys = await registerFleet(bench, 'n6', count)
  await settleTables(bench)
  await leaveHub(deps)
  await deps.db.close()
  const closers = createClosers()
  try {
    const roles = 'gateway,api,worker'
    const others = await startInstances({ databaseUrl, signal }, [roles, roles])
    closers.add(others.close)
    const devices = await connectEvenly(keys, others.all, signal)
    closers.add(devices.close)
    const countTransactions = await openTransactionCount(databaseUrl, closers)
    return [
      await compare(bench, {
        name: 'N6',
        what: `transactions because an instance leaves, with ${count.toLocaleString('en')} devices at two others`,
        unit: 'transactions',
        baselineName: 'what is allowed',
        limit: { kind: 'goal', atMost: 1 },
        async ours() {
          const during = async (work: () => Promise<void>): Promise<number> => {
            const before = await countTransactions()
            const end = performance.now() + seconds * 1_000
            await work()
            await pause(Math.max(0, end - performance.now()), signal)
            return (await countTransactions()) - before
          }
          const { all, close } = await startInstances({ databaseUrl, signal }, [roles], { DRAIN_NOTICE_SECONDS: '0' })
          try {
            // As long as it takes until the others have noticed it.
            await pause(seconds * 1_000, signal)
            const total = await during(async () => {
              for (const instance of all) await instance.stop()
            })
            // What the others do anyway.
            const idle = await during(async () => {})
            return { value: Math.max(0, total - idle), cpuMicros: {} }
          } finally {
            await close()
          }
        },
        baseline: async () => ({ value: allowed, cpuMicros: {} }),
      }),
    ]
  } finally {
    await closers.close()
  }
}
