import { pause } from '../src/cli/abortable.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { type BenchHub, leaveHub, openHub } from './hub.ts'
import { startInstances } from './instances.ts'
import { compare } from './measure.ts'
import type { Row } from './row.ts'
import { openTransactionCount } from './transactions.ts'

const instances = 6
const full = { seconds: 30 }
const quickSizes = { seconds: 6 }

/** N3: what instances without work ask of PostgreSQL, compared with as many hubs of one instance. */
export async function idleInstances(bench: Bench): Promise<Row[]> {
  const { seconds } = bench.quick ? quickSizes : full
  const { signal } = bench
  const closers = createClosers()
  /** Transactions per second while so many instances run on the hub's database. */
  const openIdle = async ({ deps, databaseUrl }: BenchHub, count: number): Promise<() => Promise<number>> => {
    await leaveHub(deps)
    await deps.db.close()
    const roles = Array.from({ length: count }, () => 'gateway,api,worker')
    const started = await startInstances({ databaseUrl, signal }, roles)
    closers.add(started.close)
    const countTransactions = await openTransactionCount(databaseUrl, closers)
    return async () => {
      const before = await countTransactions()
      await pause(seconds * 1_000, signal)
      return ((await countTransactions()) - before) / seconds
    }
  }
  try {
    const single = await openHub()
    closers.add(single.close)
    const [ours, baseline] = [await openIdle(bench, instances), await openIdle(single, 1)]
    return [
      await compare(bench, {
        name: 'N3',
        what: `transactions of ${instances} instances without work`,
        unit: 'transactions/s',
        baselineName: `${instances} times those of one instance`,
        limit: { kind: 'goal', atMost: 1 },
        ours: async () => ({ value: await ours(), cpuMicros: {} }),
        baseline: async () => ({ value: instances * (await baseline()), cpuMicros: {} }),
      }),
    ]
  } finally {
    await closers.close()
  }
}
