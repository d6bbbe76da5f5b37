import type { HubSettings } from '../../clients/graphql-ws.ts'
import { createUrqlClient } from '../../clients/urql.ts'
import { followJob } from './follow-job.ts'
import { listJobs } from './list-jobs.ts'
import { scheduleJob } from './schedule-job.ts'

/** What the tour is to do. */
export type Tour = Omit<HubSettings, 'onConnection'> & {
  /** Which devices: the WHERE part of an IoT Hub query; `*` is all. */
  readonly queryCondition: string
  readonly methodName: string
}

/**
 * Lists the latest jobs, schedules one, follows it to its end and sums up; `say` hears it all, a line at a time. Answers
 * whether nothing failed. Rejects when the hub cannot be asked, or refuses to answer.
 */
export async function tour(
  { queryCondition, methodName, ...settings }: Tour,
  say: (line: string) => void,
): Promise<boolean> {
  const { client, close } = createUrqlClient({
    ...settings,
    onConnection(event) {
      if (event === 'lost') say('The connection is lost; trying again.')
      if (event === 'back') say('Connected again.')
    },
  })
  try {
    const { lines, totalCount } = await listJobs(client, 5)
    const total = totalCount ?? 'an unknown number of'
    say(lines.length === totalCount ? `Jobs so far: ${total}` : `The last ${lines.length} of ${total} jobs:`)
    for (const line of lines) say(`  ${line}`)

    // Without it, the job waits an hour for devices that are offline.
    const input = { queryCondition, cloudToDeviceMethod: { methodName }, maxExecutionTimeInSeconds: 120 }
    const scheduled = await scheduleJob(client, input)
    if ('refusal' in scheduled) {
      say(scheduled.refusal)
      return false
    }
    say(`Scheduled ${scheduled.jobId}: "${methodName}" where ${queryCondition}`)
    const outcome = await followJob(client, scheduled.jobId, (line) => say(`  ${line}`))
    say(`${scheduled.jobId} has ended: ${outcome.toLowerCase().replace('_', ' ')}.`)
    return outcome === 'SUCCEEDED'
  } finally {
    close()
  }
}
