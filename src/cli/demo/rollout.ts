import { isDeepStrictEqual } from 'node:util'
import type { HubClient } from '../hub-client.ts'
import { doneIn, type Progress, progressBar } from '../job-progress.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number, seconds } from '../terminal/words.ts'
import { previewRollout, readStory, resumeRollout, retryRollout, scheduleMethod } from './documents.ts'
import type { DemoFleet } from './fleet.ts'
import { type EndedJob, followJob } from './follow.ts'
import { accepted } from './jobs.ts'
import type { Phase } from './phases.ts'
import { installing, isRolledOut, lowBattery, type PlannedDevice, refusing, rollout, rolloutCondition } from './plan.ts'

const jobId = `firmware-building-${rollout.building}`
const retryId = `${jobId}-again`

type Story = {
  readonly client: HubClient
  readonly fleet: DemoFleet
  readonly plan: readonly PlannedDevice[]
  readonly phase: Phase
}

/**
 * A rollout with limits that an abort rule pauses, because some devices refuse. They are repaired, the job is resumed, and
 * the devices that refused are retried. Throws when the outcome is not as expected.
 */
export async function playRollout(screen: Screen, { client, fleet, plan, phase }: Story): Promise<void> {
  const { style } = screen
  const devices = plan.filter(isRolledOut)
  const weak = refusing(devices)
  await fleet.answerWith(devices, installing)
  await fleet.answerWith(weak, lowBattery)
  const request = requestFor(devices.length)
  const { maxPerMinute, maxConcurrent, abort } = request.rollout
  screen.print(
    style.strong(`A rollout: firmware ${rollout.firmware} for building ${rollout.building}`),
    `  at most ${number(maxPerMinute)} devices per minute and ${counted(maxConcurrent, 'call')} in progress`,
    ...abort.map(
      ({ percent, afterDevices }) =>
        `  pauses by itself when ${percent} % fail or refuse, after ${counted(afterDevices, 'device')}`,
    ),
    '',
  )

  await phase('asking what the job would do', async () => {
    const { previewJob: preview } = await client.execute(previewRollout, { input: request })
    if (preview?.__typename !== 'JobPreview') throw new Error(`The hub refused the preview: ${preview?.message}`)
    const shortest = seconds((preview.shortestDurationInSeconds ?? 0) * 1000)
    const { deviceCount, connectedCount } = preview
    const found = `${counted(deviceCount.value, 'device')}, ${number(connectedCount.value)} connected`
    return [undefined, `previewed it: ${found}, at least ${shortest} at this rate`]
  })
  await phase('scheduling', async () => {
    const { scheduleDeviceMethod } = await client.execute(scheduleMethod, { input: { jobId, ...request } })
    accepted(jobId, scheduleDeviceMethod)
    return [undefined, `scheduled it as ${jobId}`]
  })
  const job = follow(client, jobId, (progress) => screen.live([progressBar(progress, screen.width(), style)]))
  await phase('running', async () => {
    await job.until(({ status }) => status === 'PAUSED')
    const { history } = await readJob(client)
    return [undefined, `paused by its abort rule. ${history.findLast(({ type }) => type === 'PAUSED')?.reason}`]
  })
  await phase('waiting for the calls in progress', async () => {
    const { counts } = await job.until((progress) => progress.counts.runningCount === 0)
    return [undefined, `these calls have ended and no other was sent: ${counted(counts.pendingCount, 'device')} wait`]
  })
  await phase('looking for the cause', async () => {
    const { failureGroups } = await readJob(client)
    const causes = failureGroups?.map(
      ({ count, message, sample }) =>
        `${counted(count, 'device')}: ${message} e.g. ${JSON.stringify(sample?.[0]?.outcome?.payload)}`,
    )
    return [undefined, `the cause: ${causes?.join('; ')}`]
  })
  await phase('charging', async () => {
    await fleet.answerWith(weak, installing)
    const reason = 'the batteries are charged'
    const { resumeJob } = await client.execute(resumeRollout, { input: { jobId, reason } })
    accepted(jobId, resumeJob)
    return [undefined, `charged the batteries and resumed the job`]
  })
  const ended = await phase('running', async () => {
    const ended = await job.ended
    return [ended, `${jobId} has ended: ${countsOf(ended)}`]
  })
  const retried = await phase('retrying', async () => {
    const input = { jobId, newJobId: retryId, result: ['FAILED', 'REFUSED'] as const, reason: 'those that refused' }
    const { retryJob } = await client.execute(retryRollout, { input })
    accepted(retryId, retryJob)
    const ended = await followJob(client, retryId, () => {})
    return [ended, `retried those that refused: ${countsOf(ended)}`]
  })
  const { history } = await readJob(client)
  screen.print(
    '',
    style.strong(`History of ${jobId}`),
    ...history.map(
      ({ type, cause, actor, reason }) =>
        `  ${type.toLowerCase().padEnd(10)} by ${actor ?? cause.toLowerCase()}${reason ? style.faint(` – ${reason}`) : ''}`,
    ),
    '',
  )
  await check({ devices, weak, ended, retried, fleet, history })
}

/** A few seconds of work, whatever the number of devices. */
const requestFor = (devices: number) => ({
  queryCondition: rolloutCondition,
  cloudToDeviceMethod: { methodName: rollout.methodName, payload: { firmware: rollout.firmware } },
  rollout: {
    maxPerMinute: devices * 10,
    maxConcurrent: Math.ceil(devices / 4),
    abort: [
      {
        on: ['FAILED', 'REFUSED'] as const,
        percent: 5,
        afterDevices: Math.ceil(devices / 10),
        action: 'PAUSE' as const,
      },
    ],
  },
})

async function readJob(client: HubClient) {
  const { job } = await client.execute(readStory, { jobId })
  return { history: job?.history ?? [], failureGroups: job?.failureGroups }
}

const countsOf = ({ counts }: Progress): string =>
  `${number(doneIn(counts))} succeeded, ${number(counts.refusedCount)} refused`

type Followed = {
  readonly ended: Promise<EndedJob>
  /** The first state from now on that meets a condition. Rejects when the job ends before. */
  until(isMet: (progress: Progress) => boolean): Promise<Progress>
}

function follow(client: HubClient, jobId: string, onProgress: (progress: Progress) => void): Followed {
  let latest: Progress | undefined
  const waiting = new Set<() => void>()
  const ended = followJob(client, jobId, (progress) => {
    latest = progress
    onProgress(progress)
    for (const look of waiting) look()
  })
  // When the demo is stopped, nobody waits for the end.
  ended.catch(() => {})
  return {
    ended,
    until: (isMet) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (latest === undefined || !isMet(latest)) return
          waiting.delete(look)
          resolve(latest)
        }
        waiting.add(look)
        look()
        ended.then(() => reject(new Error(`The job ${jobId} ended without a pause.`)), reject)
      }),
  }
}

/** Compares the outcome with the plan. */
async function check({
  devices,
  weak,
  ended,
  retried,
  fleet,
  history,
}: {
  readonly devices: readonly PlannedDevice[]
  readonly weak: readonly PlannedDevice[]
  readonly ended: EndedJob
  readonly retried: EndedJob
  readonly fleet: DemoFleet
  readonly history: readonly { readonly type: string }[]
}): Promise<void> {
  const { refusedCount } = ended.counts
  const { calls, repeated } = await fleet.callsReceived(rollout.methodName)
  const types = history.map(({ type }) => type)
  const problems = [
    ...(ended.counts.deviceCount === devices.length ? [] : [`it selected ${ended.counts.deviceCount} devices`]),
    ...(refusedCount > 0 && refusedCount <= weak.length ? [] : [`${refusedCount} devices refused`]),
    ...(doneIn(retried.counts) === refusedCount ? [] : [`the retry of ${refusedCount}: ${countsOf(retried)}`]),
    ...(calls === devices.length + refusedCount && repeated === refusedCount ? [] : [`${calls} calls were received`]),
    ...(isDeepStrictEqual(types, ['SCHEDULED', 'STARTED', 'PAUSED', 'RESUMED', 'COMPLETED'])
      ? []
      : [`its history is ${types.join(', ')}`]),
  ]
  if (problems.length > 0) throw new Error(`The rollout went wrong: ${problems.join('; ')}.`)
}
