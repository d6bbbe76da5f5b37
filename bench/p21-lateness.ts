import type { MethodRequest } from '../src/attached-devices.ts'
import { abortable } from '../src/cli/abortable.ts'
import { scheduleJob } from '../src/job/commands.ts'
import type { Bench } from './benchmark.ts'
import { forgetJobs, registerDevices } from './devices.ts'
import { bencher, withScheduler } from './jobs.ts'
import { compare } from './measure.ts'
import { percentile } from './numbers.ts'
import { answerSoon, attachFleet } from './present-fleet.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 10_000, jobs: 100 }
const quickSizes = { devices: 100, jobs: 10 }
/** Milliseconds from the first to be scheduled to its start. */
const lead = 10_000
/** Milliseconds between two starts: the hub has nothing else to do when a job is due. */
const interval = 100
/** Milliseconds that the first call of a job may be late. */
const allowed = 50

/** P21: how long after its start time the first call of a job leaves. */
export async function lateness(bench: Bench): Promise<Row[]> {
  const { devices, jobs } = bench.quick ? quickSizes : full
  await registerDevices(bench, 'p21', devices)
  return [
    await compare(bench, {
      name: 'P21',
      what: `from the start time of a job to its first call, 99 % of ${jobs} jobs`,
      unit: 'ms',
      baselineName: 'what is allowed',
      limit: { kind: 'gate', atMost: 1 },
      ours: () => run(bench, jobs),
      baseline: async () => ({ value: allowed, cpuMicros: {} }),
    }),
  ]
}

/** Jobs over one device each, one after the other. */
async function run(bench: Bench, jobs: number): Promise<Run> {
  const { deps, signal } = bench
  await forgetJobs(bench)
  const calledAt = new Map<string, number>()
  let allCalled = (): void => {}
  let calledTwice = (_error: VoidRunError): void => {}
  const called = new Promise<void>((resolve, reject) => {
    allCalled = resolve
    calledTwice = reject
  })
  called.catch(() => {}) // it is awaited when all jobs are scheduled
  let takeAnswer = (_request: MethodRequest): void => {}
  const detach = await attachFleet(bench, 'p21', (request) => {
    if (calledAt.has(request.deviceId)) calledTwice(new VoidRunError(`Void: ${request.deviceId} was called twice.`))
    calledAt.set(request.deviceId, now())
    takeAnswer(request)
    if (calledAt.size === jobs) allCalled()
  })
  try {
    return await withScheduler(deps, async (scheduler) => {
      takeAnswer = answerSoon(scheduler)
      const first = Math.ceil(now()) + lead
      const starts = Array.from({ length: jobs }, (_, index) => first + index * interval)
      for (const [index, start] of starts.entries()) {
        await scheduleJob(deps, bencher, {
          type: 'scheduleDeviceMethod',
          queryCondition: `deviceId = '${idOf(index)}'`,
          cloudToDeviceMethod: { methodName: 'reboot' },
          startTime: new Date(start),
        })
      }
      if (now() >= first) throw new VoidRunError(`Void: scheduling ${jobs} jobs took longer than ${lead} ms.`)
      await abortable(called, signal)
      const late = starts.map((start, index) => (calledAt.get(idOf(index)) ?? Number.NaN) - start)
      return { value: percentile(late, 0.99), cpuMicros: {} }
    })
  } finally {
    detach()
  }
}

const idOf = (index: number): string => `p21-${String(index).padStart(7, '0')}`

/** Milliseconds of the epoch, with fractions. */
const now = (): number => performance.timeOrigin + performance.now()
