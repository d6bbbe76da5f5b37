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
  UpdateTwin,
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
  readonly isContinuous: boolean
  /** Seconds since it was scheduled. */
  readonly age: number
}

/** The tag of devices that have met the condition of a continuous job. */
export const joiningTag = (jobId: string): string => `joins_${jobId.replaceAll('-', '_')}`

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
         coalesce(last.failed_time is not null, false) as "hasFailed",
         coalesce(targets = 'continuous', false) as "isContinuous",
         extract(epoch from clock_timestamp() - created_time)::float8 as age
  from job left join job_wave last on last.job_key = key and last.wave = open_wave
  where end_time is null and status <> 'cancelled'
  order by created_time`

/** Milliseconds between two looks at the jobs, and that a request may take. */
const interval = 150
const patience = 5_000
/** Seconds: a call that a killed instance leaves behind ends after these. */
const responseTimeout = 5
const mostOpen = 6
/** Devices that start to meet the condition of a continuous job at a time; and for how many seconds some do. */
const joining = 4
const joinsFor = 20

const connectionErrors: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/** A window of the minute after this one. */
function nextMinute() {
  const [from, to] = [1, 2].map((minutes) => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16))
  return { from: from ?? '', to: to ?? '', timeZone: 'UTC' }
}

export function createOperators({
  author,
  approver,
  pool,
  fleet,
  deviceIds,
  random,
  hasWindows,
}: {
  readonly author: HubClient
  /** Another client, which approves. */
  readonly approver: HubClient
  readonly pool: Pool
  readonly fleet: string
  readonly deviceIds: readonly string[]
  readonly random: Random
  /** Whether there are jobs with a time window, which take up to two minutes. */
  readonly hasWindows: boolean
}): Operators {
  const accepted: string[] = []
  /** How many devices have started to meet the condition of a continuous job. */
  const joined = new Map<string, number>()
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
    const retry = {
      maxAttempts: 3,
      on: ['GatewayTimeout', 'OutcomeUnknown', '503'],
      backoffSeconds: 1,
      factor: 2,
      maxBackoffSeconds: 3,
    }
    const soon = new Date(Date.now() + 3_000).toISOString()
    const methods = [
      { rollout: { waves, budget, abort: [pauseRule, cancelRule], maxConcurrent: 10 } },
      { rollout: { maxPerMinute: 240, maxConcurrent: 12, approval: true, abort: [pauseRule] } },
      // All jobs have the same devices, so it waits for most others, and for other jobs that wait.
      { rollout: { budget: { ...budget, maxConcurrent: 2 }, maxPerMinute: 600 }, onOverlap: 'QUEUE' as const },
      { rollout: { waves, budget, maxPerMinute: 180 } },
      { rollout: { retry, budget: { ...budget, maxConcurrent: 2 }, maxConcurrent: 12 } },
      { rollout: { waves, retry, abort: [pauseRule] }, targets: 'AT_CREATION' as const, startTime: soon },
      hasWindows
        ? { rollout: { window: nextMinute(), maxConcurrent: 20, retry }, maxExecutionTimeInSeconds: 120 }
        : { rollout: { maxConcurrent: 20, retry } },
      {
        rollout: { budget, retry },
        targets: 'CONTINUOUS' as const,
        queryCondition: `tags.fleet = '${fleet}' AND tags.${joiningTag(jobId)} = true`,
      },
    ]
    const kinds = methods.length + 2
    const twins = [
      { updateTwin: { properties: { desired: { round: number } } }, rollout: { waves, maxPerMinute: 600 } },
      // Every second one finds the twins as it would make them, as far as the one before has come.
      {
        updateTwin: { properties: { desired: { pair: Math.floor(number / kinds / 2) } } },
        skipCompliant: true,
        rollout: { waves },
      },
    ]
    const method = methods[number % kinds]
    const twin = twins[(number % kinds) - methods.length]
    await attempt(async () => {
      const answer =
        twin !== undefined
          ? (await author.execute(ScheduleTwin, { input: { ...common, ...twin } })).scheduleTwinUpdate
          : (await author.execute(ScheduleMethod, { input: { ...common, cloudToDeviceMethod, ...method } }))
              .scheduleDeviceMethod
      if (answer && 'message' in answer) throw new Error(`${jobId} was refused: ${answer.message}`)
      accepted.push(jobId)
    })
  }

  /** Some more devices start to meet its condition. */
  const letJoin = async ({ jobId, age }: OpenJob): Promise<void> => {
    const before = joined.get(jobId) ?? 0
    joined.set(jobId, before + joining)
    const begun = Date.now()
    for (const deviceId of deviceIds.slice(before, before + joining)) {
      // Requests to killed instances take long, and those that change so late may not join before the job ends.
      if (age + (Date.now() - begun) / 1_000 > joinsFor) return
      const patch = { tags: { [joiningTag(jobId)]: true } }
      await attempt(() => author.execute(UpdateTwin, { input: { deviceId, patch } }))
    }
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
    const { jobId, status, isMethod, hasLater, openWave, isContinuous, age } = job
    if (isContinuous && age < joinsFor && percent() < 50) await letJoin(job)
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
