import { randomUUID } from 'node:crypto'
import { sqltag as sql } from '@prisma/client/runtime/client'
import { WebSocketServer } from 'ws'
import { scheduleJob } from '../src/job/commands.ts'
import { type Audience, gatherAudience, now } from './audience.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { openGraphqlDoor, serve } from './door.ts'
import { bencher } from './jobs.ts'
import { compare, measure } from './measure.ts'
import type { Row, Run } from './row.ts'

const full = { subscribers: [1_000, 5_000], deliveries: 200_000 }
const quickSizes = { subscribers: [100], deliveries: 1_000 }
const operationId = randomUUID()
/** Both sides count their events from here, so that all numbers are as long. */
const firstVersion = 1_000_001

const statisticsSubscription = `subscription {
  deviceJobStatistics(jobId: "p15") {
    version
    deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount cancelledCount }
    job { jobId status outcome }
  }
}`

/** Sends events to all who have subscribed, one when the one before has arrived everywhere. */
type Stage = {
  /** Makes the event of this version, and answers when it began to go out. */
  publish(version: number): Promise<number>
  readonly audience: Audience
  close(): Promise<void>
}

/** P15 and P16: what a subscriber more costs, and how late the last of them hears of something. */
export async function fanOut(bench: Bench): Promise<Row[]> {
  const { subscribers, deliveries } = bench.quick ? quickSizes : full
  await scheduleJob(bench.deps, bencher, {
    jobId: 'p15',
    type: 'scheduleDeviceMethod',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
    startTime: new Date(bench.deps.clock.now().getTime() + 86_400_000),
  })
  const rows: Row[] = []
  for (const count of subscribers) {
    const closers = createClosers()
    try {
      // Both for all rounds: what has just been opened is not compiled yet.
      const broadcast = await openBroadcast(bench, count)
      closers.add(broadcast.close)
      const hub = await openHub(bench, count)
      closers.add(hub.close)
      rows.push(...(await compareStages(bench, { hub, broadcast, count, events: deliveries / count })))
    } finally {
      await closers.close()
    }
  }
  return rows
}

async function compareStages(
  bench: Bench,
  { hub, broadcast, count, events }: { hub: Stage; broadcast: Stage; count: number; events: number },
): Promise<Row[]> {
  const delays = { ours: [] as Run[], baseline: [] as Run[] }
  let version = firstVersion
  const perform = async (side: 'ours' | 'baseline', { publish, audience }: Stage): Promise<Run> => {
    const sent: [number, number][] = []
    const { cpuMicros } = await measure(bench.meters, events * count, async () => {
      for (let event = 0; event < events; event++) {
        sent.push([++version, await publish(version)])
        await audience.everybody(version)
      }
    })
    delays[side].push({ value: await audience.p99(sent), cpuMicros: {} })
    return { value: cpuMicros.hub ?? Number.NaN, cpuMicros }
  }
  const who = `${count.toLocaleString('en')} subscribers`
  const row = await compare(bench, {
    name: `P15 ${count}`,
    what: `${events} events of a job to ${who}, server`,
    unit: 'CPU µs/delivery',
    baselineName: 'a bare broadcast of the same bytes with ws',
    limit: { kind: 'gate', atMost: 1.35 },
    ours: () => perform('ours', hub),
    baseline: () => perform('baseline', broadcast),
  })
  return [
    row,
    {
      ...row,
      name: `P16 ${count}`,
      what: `the same, until 99 % of ${who} have it`,
      unit: 'ms',
      // Those of the warm-up come first.
      ours: delays.ours.slice(1),
      baseline: delays.baseline.slice(1),
      limit: bench.quick ? undefined : { kind: 'goal', atMost: 1.3 },
    },
  ]
}

/** The GraphQL door. An event is a change of a job's row. */
async function openHub({ deps, signal }: Bench, count: number): Promise<Stage> {
  await setVersion(deps, firstVersion)
  const closers = createClosers()
  const door = await openGraphqlDoor(deps)
  closers.add(door.close)
  const audience = await gatherAudience({ url: door.url, count, query: statisticsSubscription }, signal)
  closers.add(() => audience.close())
  await audience.everybody(firstVersion)
  return {
    audience,
    async publish(version) {
      await setVersion(deps, version)
      const time = now()
      deps.events.publish('job', 'p15', { jobId: 'p15' })
      return time
    },
    close: closers.close,
  }
}

const setVersion = ({ db }: Bench['deps'], version: number): Promise<unknown> =>
  db.query(sql`update job set version = ${version} where id = 'p15'`)

/** No more than ws has to do: one buffer, sent to each. */
async function openBroadcast({ signal }: Bench, count: number): Promise<Stage> {
  const server = await serve((_request, response) => response.end())
  const sockets = new WebSocketServer({ server: server.http })
  const closers = createClosers()
  closers.add(server.close)
  closers.add(async () => {
    for (const socket of sockets.clients) socket.terminate()
  })
  const audience = await gatherAudience({ url: server.url, count, query: undefined }, signal)
  closers.add(() => audience.close())
  return {
    audience,
    async publish(version) {
      const data = Buffer.from(messageOf(version))
      const time = now()
      for (const socket of sockets.clients) socket.send(data, { binary: false })
      return time
    },
    close: closers.close,
  }
}

/** What the hub sends at this version, byte for byte but for the id of the operation. */
function messageOf(version: number): string {
  const deviceJobStatistics = {
    version,
    deviceJobStatistics: {
      deviceCount: 0,
      pendingCount: 0,
      runningCount: 0,
      succeededCount: 0,
      failedCount: 0,
      cancelledCount: 0,
    },
    job: { jobId: 'p15', status: 'SCHEDULED', outcome: null },
  }
  return JSON.stringify({ id: operationId, type: 'next', payload: { data: { deviceJobStatistics } } })
}
