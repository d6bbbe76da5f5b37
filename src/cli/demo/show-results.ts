import type { HubClient } from '../hub-client.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number } from '../terminal/words.ts'
import { countDevices } from './documents.ts'
import type { DemoFleet } from './fleet.ts'
import type { EndedJob } from './follow.ts'
import type { DemoJob } from './jobs.ts'
import { newInterval, oldPumpCondition, rebootMethod } from './plan.ts'
import { groupByReason, groupByStatus, readResults } from './results.ts'
import { answerLines, failureLines, jobTable } from './summary.ts'

type Shown = {
  readonly client: HubClient
  readonly jobs: readonly [reboot: DemoJob, interval: DemoJob]
  readonly ended: readonly EndedJob[]
  readonly fleet: DemoFleet
}

/** Prints the results of the jobs and checks them against the plan. Throws when they differ. */
export async function showResults(screen: Screen, { client, jobs, ended, fleet }: Shown): Promise<void> {
  const { style } = screen
  const heading = (text: string): string => style.strong(text)
  screen.print(heading('Result'), ...jobTable(ended, style), '')

  const [reboot, interval] = jobs
  const answered = await readResults(client, reboot.jobId, 'COMPLETED')
  const failed = await readResults(client, reboot.jobId, 'FAILED')
  screen.print(
    heading('Answers to "reboot"'),
    ...answerLines(groupByStatus(answered), style),
    style.faint(
      '  A device that answers with a status of 400 or more has refused. IoT Hub counts it as succeeded: the method ran.',
    ),
    '',
    heading('Devices that were not rebooted'),
    ...failureLines(groupByReason(failed), style),
    '',
  )

  const { calls, repeated } = await fleet.callsReceived(rebootMethod)
  const confirmed = await count(
    client,
    `${oldPumpCondition} AND ${propertyIs('desired')} AND ${propertyIs('reported')}`,
  )
  screen.print(
    heading('On the devices'),
    `  ${counted(calls, 'call')} of "reboot" received, ${repeated === 0 ? 'no device received it twice' : `${number(repeated)} twice`}`,
    `  ${number(confirmed)} of ${counted(interval.expected, 'pump')} have reported the new interval` +
      (confirmed < interval.expected ? '; a pump that is switched off receives it when it connects' : ''),
    '',
  )

  const problems = jobs.flatMap(({ jobId, expected }) => {
    const selected = ended.find((job) => job.jobId === jobId)?.counts.deviceCount
    return selected === expected ? [] : [`${jobId} selected ${selected} devices instead of ${expected}`]
  })
  const counts = ended.find(({ jobId }) => jobId === reboot.jobId)?.counts
  if (counts?.succeededCount !== answered.length || counts.failedCount !== failed.length) {
    problems.push(`the counters of ${reboot.jobId} do not match its device jobs`)
  }
  if (repeated > 0) problems.push(`${counted(repeated, 'call')} reached a device a second time`)
  if (problems.length > 0) throw new Error(`The result is wrong: ${problems.join('; ')}.`)
}

const propertyIs = (section: 'desired' | 'reported'): string =>
  `properties.${section}.${newInterval.name} = ${newInterval.after}`

async function count(client: HubClient, queryCondition: string): Promise<number> {
  const { devices } = await client.execute(countDevices, { queryCondition })
  return devices?.totalCount ?? 0
}
