import { isDeepStrictEqual } from 'node:util'
import type { HubClient } from '../hub-client.ts'
import { doneIn, type Progress, progressBar } from '../job-progress.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number, seconds } from '../terminal/words.ts'
import { approveRollout, previewRollout, readRefused, readStory, resumeRollout, scheduleMethod } from './documents.ts'
import { firmware, installing, refusingImage, repetitionOn, rolloutCondition, rolloutJob } from './firmware.ts'
import type { CallsReceived, DemoFleet } from './fleet.ts'
import { type EndedJob, followJob } from './follow.ts'
import { accepted } from './jobs.ts'
import type { Phase } from './phases.ts'
import type { PlannedDevice } from './plan.ts'

const { jobId } = rolloutJob
/** Milliseconds within which the devices that stayed off so far are switched on. */
const switchOnMs = 300

type Story = {
  /** Schedules the job. */
  readonly client: HubClient
  /** Somebody else, who approves it. */
  readonly approver: HubClient
  readonly fleet: DemoFleet
  readonly plan: readonly PlannedDevice[]
  readonly phase: Phase
}

/**
 * A rollout of a firmware to all devices, whose image is damaged at first. The devices of the canary wave refuse it, so the job
 * pauses. The image is replaced and another job calls these devices again. Then somebody else approves the rest, which follows
 * at a rate, with one device of each floor at a time. Throws when the outcome is not as expected.
 */
export async function playRollout(screen: Screen, { client, approver, fleet, plan, phase }: Story): Promise<void> {
  const { style } = screen
  await fleet.answerWith(plan, refusingImage)
  screen.print(
    style.strong(`A rollout: firmware ${firmware.version} for every device where ${rolloutCondition}`),
    ...plannedSteps(),
    '',
  )

  await phase('switching on', async () => {
    const offline = plan.filter(({ part }) => part === 'offline')
    await fleet.switchOn(offline, switchOnMs)
    return [undefined, `switched on ${counted(offline.length, 'device')} that had stayed off`]
  })
  await phase('asking what the job would do', async () => {
    const { jobId: _, ...input } = rolloutJob
    const { previewJob: preview } = await client.execute(previewRollout, { input })
    if (preview?.__typename !== 'JobPreview') throw new Error(`The hub refused the preview: ${preview?.message}`)
    const { deviceCount, connectedCount, waveSizes, shortestDurationInSeconds } = preview
    const found = `${counted(deviceCount.value, 'device')}, ${number(connectedCount.value)} connected`
    const waves = (waveSizes ?? []).map(number).join(' and ')
    const shortest = seconds((shortestDurationInSeconds ?? 0) * 1000)
    return [undefined, `previewed it: ${found}, in waves of ${waves}, at least ${shortest} at this rate`]
  })
  await phase('scheduling', async () => {
    const { scheduleDeviceMethod } = await client.execute(scheduleMethod, { input: rolloutJob })
    accepted(jobId, scheduleDeviceMethod)
    return [undefined, `scheduled it as ${jobId}`]
  })
  const job = follow(client, jobId, (progress) => screen.live([progressBar(progress, screen.width(), style)]))
  await phase('calling the canary wave', async () => {
    await job.until(({ status }) => status === 'PAUSED')
    const { history } = await readJob(client)
    return [
      undefined,
      `paused by the gate of its canary wave. ${history.findLast(({ type }) => type === 'PAUSED')?.reason}`,
    ]
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
  const repeated = await phase('calling those that refused again', async () => {
    await fleet.answerWith(plan, installing)
    const repetition = repetitionOn(await refusedDevices(client))
    const { scheduleDeviceMethod } = await client.execute(scheduleMethod, { input: repetition })
    accepted(repetition.jobId, scheduleDeviceMethod)
    const ended = await followJob(client, repetition.jobId, () => {})
    return [ended, `replaced the image and called those that refused again, by another job: ${countsOf(ended)}`]
  })
  await phase('resuming', async () => {
    const { resumeJob } = await client.execute(resumeRollout, { input: { jobId, reason: 'the image is replaced' } })
    accepted(jobId, resumeJob)
    const { approveJob } = await client.execute(approveRollout, { input: { jobId, wave: 2 } })
    if (approveJob?.__typename !== 'InvalidInputError') throw new Error('Whoever scheduled a job could approve it.')
    return [undefined, `resumed it. Its author may not approve the next wave: “${approveJob.message}”`]
  })
  await phase('asking for an approval', async () => {
    const input = { jobId, wave: 2, reason: `it works on ${counted(doneIn(repeated.counts), 'device')}` }
    const { approveJob } = await approver.execute(approveRollout, { input })
    accepted(jobId, approveJob)
    return [undefined, 'somebody else approved it, and the rest of the devices have their turn']
  })
  const ended = await phase('calling the rest', async () => {
    const ended = await job.ended
    return [ended, `${jobId} has ended: ${countsOf(ended)}`]
  })
  const { history } = await readJob(client)
  const received = await fleet.callsReceived(firmware.methodName)
  screen.print(
    '',
    style.strong('On the devices'),
    `  ${counted(received.calls, 'call')} of "${firmware.methodName}" received, ${number(received.repeated)} of these by the other job`,
    `  at most ${counted(received.mostOnAFloor, 'device')} of a floor at a time`,
    '',
    style.strong(`History of ${jobId}`),
    ...history.map(
      ({ type, cause, actor, reason }) =>
        `  ${nameOf(type).padEnd(longestName)} by ${actor ?? cause.toLowerCase()}${reason ? style.faint(` – ${reason}`) : ''}`,
    ),
    '',
  )
  check({ plan, ended, repeated, received, history })
}

/** What the job is to do, a line for each thing that controls it. */
function plannedSteps(): string[] {
  const { maxPerMinute, waves } = rolloutJob.rollout
  const [canary] = waves
  return [
    `  first a canary wave of ${canary?.percent} % of the devices`,
    `  the rest when ${canary?.gate?.succeededPercent} % of these have succeeded, and somebody else has approved it`,
    `  at most ${number(maxPerMinute)} devices per minute, and one device of each floor at a time`,
  ]
}

async function readJob(client: HubClient) {
  const { job } = await client.execute(readStory, { jobId })
  return { history: job?.history ?? [], failureGroups: job?.failureGroups }
}

async function refusedDevices(client: HubClient): Promise<string[]> {
  const { job } = await client.execute(readRefused, { jobId })
  return job?.deviceJobs?.nodes.map(({ deviceId }) => deviceId) ?? []
}

const nameOf = (type: string): string => type.toLowerCase().replaceAll('_', ' ')
const longestName = nameOf('WAVE_OPENED').length

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

const expectedHistory = ['SCHEDULED', 'STARTED', 'PAUSED', 'RESUMED', 'APPROVED', 'WAVE_OPENED', 'COMPLETED']

/** Compares the outcome with the plan. */
function check({
  plan,
  ended,
  repeated,
  received,
  history,
}: {
  readonly plan: readonly PlannedDevice[]
  readonly ended: EndedJob
  readonly repeated: EndedJob
  readonly received: CallsReceived
  readonly history: readonly { readonly type: string }[]
}): void {
  const { deviceCount, refusedCount } = ended.counts
  const types = history.map(({ type }) => type)
  const problems = [
    ...(deviceCount === plan.length ? [] : [`it selected ${deviceCount} devices`]),
    ...(refusedCount > 0 && doneIn(ended.counts) === plan.length - refusedCount ? [] : [countsOf(ended)]),
    ...(doneIn(repeated.counts) === refusedCount ? [] : [`the other job on ${refusedCount}: ${countsOf(repeated)}`]),
    ...(received.calls === plan.length + refusedCount && received.repeated === refusedCount
      ? []
      : [`${received.calls} calls were received`]),
    ...(received.mostOnAFloor === 1 ? [] : [`${received.mostOnAFloor} devices of a floor were called at a time`]),
    ...(isDeepStrictEqual(types, expectedHistory) ? [] : [`its history is ${types.join(', ')}`]),
  ]
  if (problems.length > 0) throw new Error(`The rollout went wrong: ${problems.join('; ')}.`)
}
