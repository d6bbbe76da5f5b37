import { Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { MethodRequest } from '../src/attached-devices.ts'
import { pause } from '../src/cli/abortable.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { openHub } from './hub.ts'
import { runMethodJobs, verifyJobs, withScheduler } from './jobs.ts'
import { compare, measure } from './measure.ts'
import { answerSoon, attachFleet } from './present-fleet.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const fleet = 'n7'
const slices = 1_024
/** Milliseconds between two sums of the counters of all servers. */
const sumInterval = 100
const full = 100_000
const quickDevices = 2_000
const oneMillion = 1_000_000

/** A PostgreSQL server with the devices and facts of some slices. */
type Server = { readonly bench: Bench; readonly devices: number }

/**
 * N7: a prototype of a hub on more than one PostgreSQL. Devices are divided by a hash of their id into slices, and the
 * slices between two servers. One job is a row on each of them, with the facts of its slices; its counters are summed
 * ten times per second. What a job does is the hub's own work, from the expansion to the last outcome; sessions in this
 * process answer for the devices.
 */
export async function slicedJob(bench: Bench): Promise<Row[]> {
  const total = bench.quick ? quickDevices : bench.million ? oneMillion : full
  const closers = createClosers()
  try {
    const single = await openServer(bench, total, 0, slices)
    const pair: Server[] = []
    for (const first of [0, slices / 2]) {
      const hub = await openHub()
      closers.add(hub.close)
      pair.push(await openServer({ ...bench, ...hub }, total, first, first + slices / 2))
    }
    const shares = pair.map(({ devices }) => devices.toLocaleString('en')).join(' and ')
    const row = await compare(bench, {
      name: 'N7',
      what: `one method job over ${total.toLocaleString('en')} devices in ${slices} slices on two PostgreSQL servers`,
      unit: 'op/s',
      baselineName: 'the same on one server',
      limit: { kind: 'goal', atLeast: 1 },
      notes: [`the two servers have ${shares} devices; all servers and the hub share the cores of this machine`],
      ours: () => runJob(pair, total),
      baseline: () => runJob([single], total),
    })
    return [row, asCpu(row)]
  } finally {
    await closers.close()
  }
}

/** Registers the devices of these slices. */
async function openServer(bench: Bench, total: number, from: number, to: number): Promise<Server> {
  const slice = `(hashtext(id) & ${slices - 1})`
  await registerDevices(bench, fleet, total, new Sql([`${slice} >= ${from} and ${slice} < ${to}`], []))
  const [row] = await bench.deps.db.query<{ count: number }>(sql`select count(*)::integer as count from device`)
  return { bench, devices: row?.count ?? 0 }
}

/** One job over the devices of all servers. */
async function runJob(servers: readonly Server[], total: number): Promise<Run> {
  const [first] = servers
  if (first === undefined) throw new RangeError('No server.')
  const { signal, meters } = first.bench
  for (const { bench } of servers) await forgetJobs(bench)
  const over = new AbortController()
  let sum = 0
  const addUp = async (): Promise<void> => {
    const counts = await Promise.all(servers.map(({ bench }) => succeeded(bench)))
    sum = counts.reduce((all, count) => all + count, 0)
  }
  const keepAdding = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await addUp()
      await pause(sumInterval, AbortSignal.any([over.signal, signal])).catch(() => signal.throwIfAborted())
    }
  }
  const database = async (): Promise<number> => {
    let micros = 0
    for (const { bench } of servers) micros += await bench.meters.database()
    return micros
  }
  const prepared = await Promise.all(servers.map(prepare))
  try {
    const { seconds, cpuMicros } = await measure({ hub: meters.hub, database }, total, async () => {
      const adding = keepAdding()
      await Promise.all(prepared.map(({ run }) => run()))
      over.abort()
      await adding
      await addUp()
    })
    if (sum !== total) throw new VoidRunError(`Void: ${sum} of ${total} devices have succeeded.`)
    for (const { verify } of prepared) await verify()
    return { value: total / seconds, cpuMicros }
  } finally {
    for (const { detach } of prepared) detach()
  }
}

/** Makes the devices of a server reachable. `run` runs the job on it. */
async function prepare({ bench, devices }: Server) {
  let takeAnswer = (_request: MethodRequest): void => {}
  let ids: readonly string[] = []
  const detach = await attachFleet(bench, fleet, (request) => takeAnswer(request))
  return {
    detach,
    run: () =>
      withScheduler(bench.deps, async (scheduler) => {
        takeAnswer = answerSoon(scheduler)
        ids = await runMethodJobs(bench.deps, { count: 1, queryCondition: `tags.fleet = '${fleet}'` }, bench.signal)
      }),
    verify: () => verifyJobs(bench.deps, ids, devices),
  }
}

async function succeeded({ deps }: Bench): Promise<number> {
  const [row] = await deps.db.query<{ count: number }>(
    sql`select coalesce(sum(succeeded_count), 0)::integer as count from job`,
  )
  return row?.count ?? 0
}

/** The same runs by their CPU time, of the hub and of all servers. */
function asCpu({ notes: _, limit, ...row }: Row): Row {
  const cpu = ({ cpuMicros }: Run): Run => ({
    value: (cpuMicros.hub ?? Number.NaN) + (cpuMicros.database ?? Number.NaN),
    cpuMicros,
  })
  return {
    ...row,
    name: 'N7 CPU',
    what: 'the same, all processes',
    unit: 'CPU µs/device',
    limit: limit && { kind: 'goal', atMost: 1.1 },
    ours: row.ours.map(cpu),
    baseline: row.baseline.map(cpu),
    notes: [],
  }
}
