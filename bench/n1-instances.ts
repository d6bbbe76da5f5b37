import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { openDividedJobs } from './divided-jobs.ts'
import { openHub } from './hub.ts'
import { compare } from './measure.ts'
import type { Row } from './row.ts'

/** N1: what it costs to divide the work among instances. Two hubs with databases of their own, which are used in turn. */
export async function dividedWork(bench: Bench): Promise<Row[]> {
  const closers = createClosers()
  try {
    const single = await openHub()
    closers.add(single.close)
    const ours = await openDividedJobs(bench, {
      hub: bench,
      fleet: 'n1',
      roles: ['api,worker', 'gateway', 'gateway', 'gateway'],
    })
    closers.add(ours.close)
    const baseline = await openDividedJobs(bench, { hub: single, fleet: 'n1', roles: ['gateway,api,worker'] })
    closers.add(baseline.close)
    return [
      await compare(bench, {
        name: 'N1',
        what: 'method jobs by three gateways and a worker, all processes and PostgreSQL',
        unit: 'CPU µs/device',
        baselineName: 'the same by one process',
        limit: { kind: 'goal', atMost: 1.15 },
        ours: ours.run,
        baseline: baseline.run,
      }),
    ]
  } finally {
    await closers.close()
  }
}
