import { isNatsMissing, startNatsServer } from '../test/support/nats-server.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { openDividedJobs } from './divided-jobs.ts'
import { openHub } from './hub.ts'
import { compare } from './measure.ts'
import { familyCpu } from './processes.ts'
import type { Row } from './row.ts'

const roles = ['api,worker', 'gateway', 'gateway', 'gateway']

/** N2: what instances cost when NATS carries what passes between them. Two hubs with databases of their own. */
export async function jobsOnNats(bench: Bench): Promise<Row[]> {
  if (isNatsMissing) {
    bench.say('N2 is left out, because nats-server is not installed')
    return []
  }
  const closers = createClosers()
  try {
    const nats = await startNatsServer()
    closers.add(nats.close)
    const notified = await openHub()
    closers.add(notified.close)
    const ours = await openDividedJobs(bench, {
      hub: bench,
      fleet: 'n2',
      roles,
      env: { BUS_URL: nats.url },
      alsoCounted: () => familyCpu(nats.pid()),
    })
    closers.add(ours.close)
    const baseline = await openDividedJobs(bench, { hub: notified, fleet: 'n2', roles })
    closers.add(baseline.close)
    return [
      await compare(bench, {
        name: 'N2',
        what: 'method jobs by three gateways and a worker with NATS, whose CPU time is in that of the hub',
        unit: 'CPU µs/device',
        baselineName: "the same with PostgreSQL's notifications",
        limit: { kind: 'goal', atMost: 1 },
        ours: ours.run,
        baseline: baseline.run,
      }),
    ]
  } finally {
    await closers.close()
  }
}
