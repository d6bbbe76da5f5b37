import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sqltag as sql } from '@prisma/client/runtime/client'
import { WebSocket } from 'ws'
import { abortable, pause } from '../src/cli/abortable.ts'
import { scheduleJob } from '../src/job/commands.ts'
import { type Audience, gatherAudience, now } from './audience.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { openGraphqlDoor } from './door.ts'
import { bencher } from './jobs.ts'
import { compare } from './measure.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

/** So few events that they are over before the hub closes a connection that reads nothing (24 seconds). */
const full = { subscribers: 1_000, events: 100 }
const quickSizes = { subscribers: 50, events: 10 }
/** Together they send more than the kernel keeps for a connection: 150 KB per event. */
const sleeping = { subscriptions: 20, aliases: 25 }
/** Milliseconds after which what has been let go of can be collected, such as buffers and a closed connection. */
const rest = 500
/** Of LIMIT_SOCKET_BYTES: results that are under way when the limit is reached come on top. */
const allowedShare = 1.25

const state = `version
    deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount cancelledCount }
    job { jobId status outcome }`
const attentive = `subscription { deviceJobStatistics(jobId: "p18") { ${state} } }`
const copies = Array.from({ length: sleeping.aliases }, (_, index) => `a${index}: job { jobId status queryCondition }`)

/** P18: what a subscriber that never reads costs the others, and the hub's memory. */
export async function sleeper(bench: Bench): Promise<Row[]> {
  const { subscribers, events } = bench.quick ? quickSizes : full
  const { deps, signal, quick } = bench
  await scheduleJob(deps, bencher, {
    jobId: 'p18',
    type: 'scheduleDeviceMethod',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
    startTime: new Date(deps.clock.now().getTime() + 86_400_000),
  })
  const closers = createClosers()
  try {
    const door = await openGraphqlDoor(deps)
    closers.add(door.close)
    const audience = await gatherAudience({ url: door.url, count: subscribers, query: attentive }, signal)
    closers.add(() => audience.close())
    await audience.everybody(1)
    let version = 1
    const perform = async (): Promise<Run> => {
      const first = version + 1
      version += events
      return { value: await publish(bench, audience, first, events), cpuMicros: {} }
    }
    const held: Run[] = []
    const row = await compare(bench, {
      name: 'P18',
      what: `until 99 % of ${subscribers.toLocaleString('en')} subscribers have an event, with one more that never reads`,
      unit: 'ms',
      baselineName: 'the same without that one',
      limit: { kind: 'gate', atMost: 1.2 },
      async ours() {
        const socket = await openSleeper(door.url, signal)
        const run = await perform()
        const withIt = await memoryInUse(signal)
        socket.terminate()
        held.push({ value: (withIt - (await memoryInUse(signal))) / 1_024, cpuMicros: {} })
        return run
      },
      baseline: perform,
    })
    const memory: Row = {
      ...row,
      name: 'P18 memory',
      what: 'memory that the hub keeps for the one that never reads',
      unit: 'KB',
      baselineName: 'what is allowed',
      // That of the warm-up comes first.
      ours: held.slice(1),
      baseline: held.slice(1).map(() => ({ value: (allowedShare * deps.limits.socketBytes) / 1_024, cpuMicros: {} })),
      limit: quick ? undefined : { kind: 'gate', atMost: 1 },
    }
    return [row, memory]
  } finally {
    await closers.close()
  }
}

/** Changes the job, once everybody who reads has its last change. The 99th percentile of the delays in milliseconds. */
async function publish({ deps }: Bench, audience: Audience, first: number, events: number): Promise<number> {
  const sent: [number, number][] = []
  for (let version = first; version < first + events; version++) {
    await deps.db.query(sql`update job set version = ${version} where id = 'p18'`)
    sent.push([version, now()])
    deps.events.publish('job', 'p18', { jobId: 'p18' })
    await audience.everybody(version)
  }
  return await audience.p99(sent)
}

/** Subscribes to more than the others, and reads nothing from then on. */
async function openSleeper(url: string, signal: AbortSignal): Promise<WebSocket> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
  await abortable(once(socket, 'open'), signal)
  const acknowledged = once(socket, 'message')
  socket.send('{"type":"connection_init"}')
  const [message] = await abortable(acknowledged, signal)
  if (!String(message).includes('connection_ack')) throw new VoidRunError(`Void: the hub answered ${message}.`)
  const query = `subscription { deviceJobStatistics(jobId: "p18") { ${state} ${copies.join(' ')} } }`
  socket.pause()
  for (let count = 0; count < sleeping.subscriptions; count++) {
    socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query } }))
  }
  return socket
}

setFlagsFromString('--expose_gc')
const collectGarbage: () => void = runInNewContext('gc')

/** The heap and the buffers in use, after a garbage collection. */
async function memoryInUse(signal: AbortSignal): Promise<number> {
  // Buffers are released some time after the first one.
  for (let count = 0; count < 2; count++) {
    collectGarbage()
    await pause(rest, signal)
  }
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
