import { sqltag as sql } from '@prisma/client/runtime/client'
import { policyViewer } from '../src/access/viewer.ts'
import { abortable } from '../src/cli/abortable.ts'
import type { Deps } from '../src/deps.ts'
import { scheduleJob } from '../src/job/commands.ts'
import type { JsonObject } from '../src/json/json.ts'
import { type Scheduler, startScheduler } from '../src/scheduler/scheduler.ts'
import { VoidRunError } from './row.ts'

/** Who asks for the jobs. */
export const bencher = policyViewer({ name: 'bench', rights: new Set() })

/** Method calls under way at a time: the hub's default. */
export const methodWindow = 2_000

/** A scheduler with a hub's defaults while `work` lasts. */
export async function withScheduler<T>(deps: Deps, work: (scheduler: Scheduler) => Promise<T>): Promise<T> {
  const scheduler = await startScheduler(deps, {
    maxRunning: 100,
    windowSize: methodWindow,
    historyDays: 30,
    auditDays: 90,
    authorityOf: async () => undefined,
  })
  try {
    return await work(scheduler)
  } finally {
    await scheduler.stop(0)
  }
}

/** Schedules so many method jobs with the same condition and waits until they have ended. Answers their ids. */
export function runMethodJobs(
  deps: Deps,
  { count, queryCondition }: { readonly count: number; readonly queryCondition: string },
  signal: AbortSignal,
): Promise<string[]> {
  const cloudToDeviceMethod = { methodName: 'reboot' }
  const schedule = () =>
    scheduleJob(deps, bencher, { type: 'scheduleDeviceMethod', queryCondition, cloudToDeviceMethod })
  return untilEnded(deps, () => Promise.all(Array.from({ length: count }, schedule)), signal)
}

/** Schedules one job that patches the twins that meet the condition, and waits until it has ended. Answers its id. */
export async function runTwinJob(
  deps: Deps,
  { updateTwin, queryCondition }: { readonly updateTwin: JsonObject; readonly queryCondition: string },
  signal: AbortSignal,
): Promise<string> {
  const schedule = () => scheduleJob(deps, bencher, { type: 'scheduleUpdateTwin', queryCondition, updateTwin })
  const [id] = await untilEnded(deps, async () => [await schedule()] as const, signal)
  return id
}

/** Waits until the jobs have ended that `schedule` schedules, or has scheduled. Answers their ids. */
export async function untilEnded<Ids extends readonly string[]>(
  deps: Deps,
  schedule: () => Promise<Ids>,
  signal: AbortSignal,
): Promise<Ids> {
  let wake = (): void => {}
  const stopListening = deps.events.listen('anyJob')(() => wake())
  try {
    const ids = await schedule()
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      if ((await countOpen(deps, ids)) === 0) return ids
      await abortable(changed, signal)
    }
  } finally {
    stopListening()
  }
}

async function countOpen({ db }: Deps, ids: readonly string[]): Promise<number> {
  const [row] = await db.query<{ open: number }>(
    sql`select count(*)::integer as open from job where id = any(${ids}) and end_time is null`,
  )
  return row?.open ?? 0
}

/** Every one of `devices` has one outcome in each of the jobs, a 200, and the counters say so. Else a VoidRunError. */
export async function verifyJobs({ db }: Deps, ids: readonly string[], devices: number): Promise<void> {
  const jobs = await db.query<{ id: string; succeeded: number; targets: number; marks: number; answers: number }>(
    sql`select
          id,
          case status when 'completed' then succeeded_count else 0 end as succeeded,
          (select count(*)::integer from device_job where job_key = key) as targets,
          (select count(*)::integer from device_job_dispatch where job_key = key) as marks,
          (select count(*)::integer from device_job_outcome where job_key = key and response_status = 200) as answers
        from job
        where id = any(${ids})`,
  )
  for (const { id, ...counts } of jobs) {
    if (Object.values(counts).some((count) => count !== devices)) {
      throw new VoidRunError(`Void: job ${id} over ${devices} devices ended with ${JSON.stringify(counts)}.`)
    }
  }
}
