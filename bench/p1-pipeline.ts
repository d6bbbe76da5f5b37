import { abortable } from '../src/cli/abortable.ts'
import type { Bench } from './benchmark.ts'
import { type ConnectedFleet, connectFleet } from './fleet.ts'
import { methodWindow, runMethodJobs, verifyJobs, withScheduler } from './jobs.ts'
import { compare, measure } from './measure.ts'
import { type Limit, type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 10_000, jobs: 10 }
const quickSizes = { devices: 500, jobs: 10 }
/** As those of jobs are: a job's id, a dot and sixteen characters. */
const requestIdLength = 53

/** P1: what a job adds to a method call, with everything over real MQTT. */
export const pipeline = (bench: Bench): Promise<Row[]> =>
  comparePipeline(bench, { name: 'P1', ...(bench.quick ? quickSizes : full), limit: { kind: 'gate', atLeast: 0.78 } })

/** Jobs over a fleet of connected devices, against bare round trips to them. */
export async function comparePipeline(
  bench: Bench,
  {
    name,
    devices,
    jobs,
    limit,
  }: { readonly name: string; readonly devices: number; readonly jobs: number; readonly limit: Limit },
): Promise<Row[]> {
  const fleetName = name.toLowerCase()
  const fleet = await connectFleet(bench, fleetName, devices)
  try {
    const row = await compare(bench, {
      name,
      what: `${jobs} method jobs over ${devices.toLocaleString('en')} devices, outcomes durable`,
      unit: 'op/s',
      baselineName: 'bare round trips with the same endpoint, devices and window',
      limit,
      ours: () => runJobs(bench, fleet, { count: jobs, queryCondition: `tags.fleet = '${fleetName}'` }),
      baseline: () => roundTrips(bench, fleet, jobs * devices),
    })
    return [{ ...row, notes: busyDevices(row) }]
  } finally {
    await fleet.close()
  }
}

/** The jobs, from scheduling to the end of the last one. Their condition selects the whole fleet. */
export async function runJobs(
  { deps, meters, signal }: Bench,
  fleet: ConnectedFleet,
  jobs: { readonly count: number; readonly queryCondition: string },
): Promise<Run> {
  const operations = jobs.count * fleet.deviceIds.length
  return withScheduler(deps, async (scheduler) => {
    fleet.take((answer) => scheduler.takeAnswer(answer))
    let ids: string[] = []
    const { seconds, cpuMicros } = await measure({ ...meters, devices: fleet.cpu }, operations, async () => {
      ids = await runMethodJobs(deps, jobs, signal)
    })
    await verifyJobs(deps, ids, fleet.deviceIds.length)
    return { value: operations / seconds, cpuMicros }
  })
}

/** As many calls under way as jobs may have, each device in turn, nothing kept. Every answer is to a call, and once. */
async function roundTrips({ deps, meters, signal }: Bench, fleet: ConnectedFleet, operations: number): Promise<Run> {
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const waiting = new Set<string>()
      let sent = 0
      const send = (): void => {
        const deviceId = fleet.deviceIds[sent % fleet.deviceIds.length] ?? ''
        const requestId = String(sent++).padStart(requestIdLength, '0')
        waiting.add(requestId)
        const isHere = deps.attached.deliver({ deviceId, requestId, methodName: 'reboot', payload: 'null' })
        if (!isHere) reject(new VoidRunError(`Void: ${deviceId} is not connected.`))
      }
      fleet.take(({ requestId, response }) => {
        const isRight = waiting.delete(requestId) && 'status' in response && response.status === 200
        if (!isRight) reject(new VoidRunError(`Void: a wrong or repeated answer to the call ${requestId}.`))
        if (sent < operations) send()
        else if (waiting.size === 0) resolve()
      })
      while (sent < Math.min(methodWindow, operations)) send()
    })
  const { seconds, cpuMicros } = await measure({ ...meters, devices: fleet.cpu }, operations, () =>
    abortable(work(), signal),
  )
  return { value: operations / seconds, cpuMicros }
}

/** Where the devices use up a core, it is them that the baseline measures. */
function busyDevices({ baseline }: Row): string[] {
  const busiest = Math.max(...baseline.map((run) => (run.value * (run.cpuMicros.devices ?? 0)) / 1_000_000))
  if (busiest < 0.95) return []
  return [
    `the devices used ${busiest.toFixed(2)} of a core in the baseline, so the baseline is a lower bound of what the endpoint can do`,
  ]
}
