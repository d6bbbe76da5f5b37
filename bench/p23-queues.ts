import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MethodRequest } from '../src/attached-devices.ts'
import { abortable } from '../src/cli/abortable.ts'
import type { Bench } from './benchmark.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { runMethodJobs, verifyJobs, withScheduler } from './jobs.ts'
import { compare, measure } from './measure.ts'
import { answerSoon, attachFleet } from './present-fleet.ts'
import { familyCpu } from './processes.ts'
import type { QueueNews, QueueOrder } from './queue-order.ts'
import { type Limit, type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 20_000, jobs: 5 }
const quickSizes = { devices: 500, jobs: 2 }

const queues: readonly { readonly name: string; readonly file: string; readonly limit: Limit }[] = [
  { name: 'graphile-worker', file: './peers/graphile-worker.ts', limit: { kind: 'goal', atLeast: 1 } },
  { name: 'pg-boss', file: './peers/pg-boss.ts', limit: { kind: 'goal', atLeast: 3 } },
]

/** P23: the scheduler alone as a queue, with devices that do nothing, against queues on the same PostgreSQL. */
export async function queueAlone(bench: Bench): Promise<Row[]> {
  if (!existsSync(fileURLToPath(new URL('./peers/node_modules/graphile-worker', import.meta.url)))) {
    bench.say('P23 is left out, because the packages it compares with are not installed: npm --prefix bench/peers ci')
    return []
  }
  const { devices, jobs } = bench.quick ? quickSizes : full
  const operations = devices * jobs
  await registerDevices(bench, 'p23', devices)
  const rows: Row[] = []
  for (const { name, file, limit } of queues) {
    const queue = await startQueue(file, bench)
    try {
      rows.push(
        await compare(bench, {
          name: `P23 ${name}`,
          what: `${operations.toLocaleString('en')} method calls, answered in process`,
          unit: 'op/s',
          baselineName: `as many jobs of ${name} that do nothing`,
          limit,
          ours: () => runJobs(bench, devices, jobs),
          baseline: () => queue.run(operations),
        }),
      )
    } finally {
      await queue.close()
    }
  }
  return rows
}

async function runJobs(bench: Bench, devices: number, count: number): Promise<Run> {
  const { deps, meters, signal } = bench
  await forgetJobs(bench)
  let takeAnswer = (_request: MethodRequest): void => {}
  const detach = await attachFleet(bench, 'p23', (request) => takeAnswer(request))
  try {
    return await withScheduler(deps, async (scheduler) => {
      takeAnswer = answerSoon(scheduler)
      let ids: string[] = []
      const { seconds, cpuMicros } = await measure(meters, count * devices, async () => {
        ids = await runMethodJobs(deps, { count, queryCondition: "tags.fleet = 'p23'" }, signal)
      })
      await verifyJobs(deps, ids, devices)
      return { value: (count * devices) / seconds, cpuMicros }
    })
  } finally {
    detach()
  }
}

type Queue = { run(operations: number): Promise<Run>; close(): Promise<void> }

/** A queue in a process of its own, on the same database. */
async function startQueue(file: string, { databaseUrl, meters, signal }: Bench): Promise<Queue> {
  // Started as this one was, so with the same compiler and the same flags.
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl, NODE_ENV: 'production' },
  })
  const ended = once(child, 'exit')
  const fail = ended.then(() => {
    throw new VoidRunError(`Void: ${file} has ended.`)
  })
  fail.catch(() => {})
  const news = async (): Promise<QueueNews | undefined> => {
    const [message]: QueueNews[] = await abortable(Promise.race([once(child, 'message'), fail]), signal)
    return message
  }
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect()
    await ended
  }
  try {
    await news()
  } catch (error) {
    await close()
    throw error
  }
  return {
    async run(operations) {
      let done: QueueNews | undefined
      const meter = () => familyCpu(child.pid ?? 0)
      const { cpuMicros } = await measure({ hub: meter, database: meters.database }, operations, async () => {
        const answered = news()
        child.send({ operations } satisfies QueueOrder)
        done = await answered
      })
      if (done?.kind !== 'done' || done.operations !== operations) {
        throw new VoidRunError(`Void: ${file} did ${JSON.stringify(done)} of ${operations}.`)
      }
      return { value: operations / done.seconds, cpuMicros }
    },
    close,
  }
}
