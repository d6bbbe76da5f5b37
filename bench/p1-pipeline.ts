import type { Deps } from '../src/deps.ts'
import { scheduleJob } from '../src/job/commands.ts'
import { startScheduler } from '../src/scheduler/scheduler.ts'
import { type ConnectedFleet, connectFleet, registerDevices } from './fleet.ts'
import type { Bench } from './hub.ts'
import { interleave, type Row, type Run, timed } from './measure.ts'

export type PipelineSize = {
  readonly devices: number
  readonly operations: number
  readonly window: number
  readonly rounds: number
}

/**
 * P1: device operations of jobs, each with a durable outcome, against bare round trips of the same door, devices and
 * window. Every operation is counted: a run in which one is missing is void.
 */
export async function pipeline(bench: Bench, size: PipelineSize): Promise<Row> {
  const { deps } = bench
  const deviceIds = await registerDevices(deps, size.devices, 'p1')
  const connected = await connectFleet(deps, deviceIds)
  try {
    const runs = await interleave(
      size.rounds,
      () => jobs(bench, connected, size),
      () => roundTrips(deps, connected, deviceIds, size),
    )
    return {
      name: 'P1',
      what: `${size.operations} method calls of ${size.operations / size.devices} jobs on ${size.devices} devices, durable outcomes`,
      baselineName: 'bare round trips of the same door',
      ...runs,
      gate: { atLeast: 0.5 },
    }
  } finally {
    await connected.close()
  }
}

async function withCpu(
  connected: ConnectedFleet,
  databaseCpu: () => Promise<number>,
  operations: number,
  work: () => Promise<void>,
): Promise<Run> {
  const before = await connected.fleet.stats()
  const databaseBefore = await databaseCpu()
  const { seconds, cpuMicros } = await timed(work)
  const after = await connected.fleet.stats()
  const used = (stats: typeof before): number => stats.cpuMicros.user + stats.cpuMicros.system
  return {
    perSecond: operations / seconds,
    cpuMicros: {
      hub: cpuMicros / operations,
      database: ((await databaseCpu()) - databaseBefore) / operations,
      devices: (used(after) - used(before)) / operations,
    },
  }
}

/** As many calls under way as the window allows, each device in turn, nothing kept. */
async function roundTrips(
  deps: Deps,
  connected: ConnectedFleet,
  deviceIds: readonly string[],
  size: PipelineSize,
): Promise<Run> {
  return withCpu(
    connected,
    async () => 0,
    size.operations,
    () =>
      new Promise((resolve, reject) => {
        let sent = 0
        let answered = 0
        const waiting = new Set<string>()
        const send = (): void => {
          const deviceId = deviceIds[sent % deviceIds.length] ?? ''
          const requestId = `raw${sent++}`
          waiting.add(requestId)
          if (!deps.sessions.deliver({ deviceId, requestId, methodName: 'reboot', payload: 'null' })) {
            reject(new Error(`${deviceId} is not connected`))
          }
        }
        connected.take(({ requestId }) => {
          if (!waiting.delete(requestId)) return reject(new Error(`${requestId} was answered twice`))
          if (++answered === size.operations) resolve()
          else if (sent < size.operations) send()
        })
        while (sent < size.window) send()
      }),
  )
}

async function jobs(bench: Bench, connected: ConnectedFleet, size: PipelineSize): Promise<Run> {
  const { deps } = bench
  const scheduler = await startScheduler(deps, { maxRunning: 100, windowSize: size.window, historyDays: 30 })
  connected.take((answer) => scheduler.takeAnswer(answer))
  const count = size.operations / size.devices
  let ids: string[] = []
  const run = await withCpu(connected, bench.databaseCpu, size.operations, async () => {
    const changes = deps.events.subscribe('anyJob')[Symbol.asyncIterator]()
    ids = await Promise.all(
      Array.from({ length: count }, () =>
        scheduleJob(deps, {
          type: 'scheduleDeviceMethod',
          queryCondition: "tags.fleet = 'p1'",
          cloudToDeviceMethod: { methodName: 'reboot' },
        }),
      ),
    )
    while ((await deps.db.prisma.job.count({ where: { id: { in: ids }, endTime: null } })) > 0) await changes.next()
    await changes.return?.()
  })
  await scheduler.stop(0)
  const keys = await deps.db.prisma.job.findMany({ where: { id: { in: ids } }, select: { key: true } })
  const outcomes = await deps.db.prisma.deviceJobOutcome.count({
    where: { jobKey: { in: keys.map(({ key }) => key) }, responseStatus: 200 },
  })
  if (outcomes !== size.operations) throw new Error(`void: ${outcomes} outcomes for ${size.operations} operations`)
  return run
}
