import type { Pool } from 'pg'
import { abortable, pause } from '../../src/cli/abortable.ts'
import type { HubClient } from '../../src/cli/hub-client.ts'
import { HubRefusedError, HubUnreachableError } from '../../src/cli/hub-errors.ts'
import type { Random } from '../chaos/random.ts'
import {
  ApproveJob,
  CancelDeviceJobs,
  CancelJob,
  OpenWave,
  PauseJob,
  ResumeJob,
  ScheduleMethod,
  ScheduleTwin,
  UpdateJob,
} from '../journeys/operations.ts'

// Clients that schedule jobs with every control and use the controls while the jobs run.

type OpenJob = {
  readonly jobId: string
  readonly status: string
  readonly openWave: number | null
  readonly hasLater: boolean
  readonly waitsForApproval: boolean
  readonly hasFailed: boolean
  readonly isMethod: boolean
}

export type Operators = {
  /** The ids of the jobs that the hub has accepted. */
  readonly accepted: readonly string[]
  /** Schedules and steers jobs until the signal aborts. */
  run(stop: AbortSignal): Promise<void>
  /** Lets all jobs go on until they have ended. */
  finish(): Promise<void>
}

const openJobs = `
  select id as "jobId", status, open_wave as "openWave", type = 'scheduleDeviceMethod' as "isMethod",
         coalesce(open_wave < jsonb_array_length(rollout -> 'waves'), false) as "hasLater",
         status = 'waitingForApproval' or coalesce(last.approval_time is not null, false) as "waitsForApproval",
         coalesce(last.failed_time is not null, false) as "hasFailed"
  from job left join job_wave last on last.job_key = key and last.wave = open_wave
  where end_time is null and status <> 'cancelled'
  order by created_time`

/** Milliseconds between two looks at the jobs, and that a request may take. */
const interval = 150
const patience = 5_000
/** Seconds: a call that a killed instance leaves behind ends after these. */
const responseTimeout = 5
const mostOpen = 6

const connectionErrors: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

export function createOperators({
  author,
  approver,
  pool,
  fleet,
  random,
}: {
  readonly author: HubClient
  /** Another client, which approves. */
  readonly approver: HubClient
  readonly pool: Pool
  readonly fleet: string
  readonly random: Random
}): Operators {
  const accepted: string[] = []
  const percent = (): number => random.between(0, 100)

  /** False when the instance was killed meanwhile: then nobody knows whether the request had an effect. */
  const attempt = async (request: () => Promise<unknown>): Promise<boolean> => {
    try {
      await abortable(request(), AbortSignal.timeout(patience))
      return true
    } catch (error) {
      if (error instanceof HubUnreachableError) return false
      if (error instanceof HubRefusedError && error.code === 'SERVICE_UNAVAILABLE') return false
      if (error instanceof DOMException && error.name === 'TimeoutError') return false
      if (error instanceof Error && 'code' in error && connectionErrors.has(error.code)) return false
      throw error
    }
  }

  const schedule = async (number: number): Promise<void> => {
    const jobId = `${fleet}-${number}`
    const common = { jobId, queryCondition: `tags.fleet = '${fleet}'`, maxExecutionTimeInSeconds: 45 }
    const cloudToDeviceMethod = { methodName: jobId, responseTimeoutInSeconds: responseTimeout }
    const waves = [
      { devices: 8, gate: { succeededPercent: 25, soakSeconds: 1 } },
      { percent: 30, gate: { approval: true } },
      { queryCondition: "tags.site = 'site-0'" },
      {},
    ]
    const budget = { groupBy: 'tags.site', maxConcurrent: 1 }
    const pauseRule = {
      on: ['FAILED' as const, 'REFUSED' as const],
      percent: 30,
      afterDevices: 10,
      action: 'PAUSE' as const,
    }
    const cancelRule = { errorCode: 'BadDeviceResponse', percent: 0, action: 'CANCEL' as const }
    const rollouts = [
      { waves, budget, abort: [pauseRule, cancelRule], maxConcurrent: 10 },
      { maxPerMinute: 240, maxConcurrent: 12, approval: true, abort: [pauseRule] },
      { budget: { ...budget, maxConcurrent: 2 }, maxPerMinute: 600 },
      { waves, budget, maxPerMinute: 180 },
    ]
    const kind = number % (rollouts.length + 1)
    const rollout = rollouts[kind]
    // All jobs have the same devices, so it waits for most others, and for other jobs that wait.
    const onOverlap = kind === 2 ? { onOverlap: 'QUEUE' as const } : {}
    await attempt(async () => {
      const answer =
        rollout === undefined
          ? (
              await author.execute(ScheduleTwin, {
                input: {
                  ...common,
                  updateTwin: { properties: { desired: { round: number } } },
                  rollout: { waves, maxPerMinute: 600 },
                },
              })
            ).scheduleTwinUpdate
          : (await author.execute(ScheduleMethod, { input: { ...common, ...onOverlap, cloudToDeviceMethod, rollout } }))
              .scheduleDeviceMethod
      if (answer && 'message' in answer) throw new Error(`${jobId} was refused: ${answer.message}`)
      accepted.push(jobId)
    })
  }

  const goOn = async ({ jobId, status, waitsForApproval, hasFailed, hasLater, openWave }: OpenJob): Promise<void> => {
    const wave = (openWave ?? 0) + 1
    if (status === 'paused') await attempt(() => author.execute(ResumeJob, { input: { jobId } }))
    else if (waitsForApproval) {
      await attempt(async () => {
        const { approveJob } = await approver.execute(ApproveJob, { input: { jobId } })
        // Another gate, or none, may wait by now.
        if (approveJob?.__typename === 'InvalidInputError') throw new Error(`${jobId}: nobody else may approve it.`)
      })
    } else if (hasFailed && hasLater) await attempt(() => author.execute(OpenWave, { input: { jobId, wave } }))
  }

  const steer = async (job: OpenJob): Promise<void> => {
    const { jobId, status, isMethod, hasLater, openWave } = job
    if (status === 'paused' || job.waitsForApproval || job.hasFailed) {
      if (percent() < 40) await goOn(job)
      return
    }
    if (status !== 'running') return
    const turn = percent()
    if (turn < 8) await attempt(() => author.execute(PauseJob, { input: { jobId } }))
    else if (turn < 16) {
      const rollout = {
        maxPerMinute: Math.floor(random.between(120, 600)),
        ...(isMethod && { maxConcurrent: Math.floor(random.between(4, 16)) }),
      }
      await attempt(() => author.execute(UpdateJob, { input: { jobId, rollout } }))
    } else if (turn < 22) {
      const queryCondition = `tags.site = 'site-${Math.floor(random.between(0, 4))}'`
      await attempt(() => author.execute(CancelDeviceJobs, { input: { jobId, queryCondition } }))
    } else if (hasLater && turn < 26) {
      await attempt(() => author.execute(OpenWave, { input: { jobId, wave: (openWave ?? 0) + 1 } }))
    } else if (turn > 99) await attempt(() => author.execute(CancelJob, { input: { jobId } }))
  }

  const readOpen = async (): Promise<OpenJob[]> => (await pool.query<OpenJob>(openJobs)).rows

  return {
    accepted,
    async run(stop) {
      for (let number = 1; !stop.aborted; ) {
        const open = await readOpen()
        if (open.length < mostOpen) await schedule(number++)
        for (const job of open) if (!stop.aborted) await steer(job)
        await pause(interval, stop).catch(() => {})
      }
    },
    async finish() {
      for (;;) {
        const { rows } = await pool.query('select from job where end_time is null')
        if (rows.length === 0) return
        for (const job of await readOpen()) await goOn(job)
        await pause(interval, new AbortController().signal)
      }
    },
  }
}
