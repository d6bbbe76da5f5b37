import { graphql } from '../../../generated/commands/gql.ts'
import type { HubClient } from '../../hub-client.ts'
import { HubRefusedError } from '../../hub-errors.ts'
import { hubCommand } from '../../hub-options.ts'
import { printCount } from '../../output/count.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { withHub } from '../../with-hub.ts'

const ShowJob = graphql(`
  query ShowJob($jobId: String!) {
    job(jobId: $jobId) {
      jobId name description labels { name value } type status outcome failureReason statusMessage queryCondition
      cloudToDeviceMethod { methodName payload responseTimeoutInSeconds connectTimeoutInSeconds }
      updateTwin skipCompliant targets onOverlap createdBy createdTime startTime selectedTime startedTime deadline endTime
      deviceJobStatistics { deviceCount pendingCount runningCount succeededCount refusedCount skippedCount failedCount cancelledCount }
      rollout { maxPerMinute ramp { from factor afterSucceeded perMinute nextStep { perMinute afterSucceeded } } maxConcurrent approval budget { groupBy maxConcurrent } window { days from to timeZone timeZoneFrom } retry { maxAttempts on backoffSeconds factor maxBackoffSeconds } abort { on errorCode responseStatus percent afterDevices action matchedCount endedCount hasActed } }
      waves {
        number devices percent queryCondition status openedTime soakEndTime
        gate { succeededPercent soakSeconds approval onFailure }
        deviceJobStatistics { deviceCount pendingCount runningCount succeededCount refusedCount skippedCount failedCount cancelledCount }
      }
      windows { timeZone deviceCount isOpen openTime closeTime }
      blockers { message }
      failureGroups { code message responseStatus count }
    }
  }
`)

const ShowDrift = graphql(`
  query ShowDrift($jobId: String!) {
    job(jobId: $jobId) { drift { left { value precision } } }
  }
`)

/** How many devices of the job do not meet its condition any more; null where the hub does not say, or could not count them in time. */
export async function readLeft(client: HubClient, jobId: string): Promise<number | string | null> {
  try {
    const { job } = await client.execute(ShowDrift, { jobId })
    return job?.drift ? printCount(job.drift.left) : null
  } catch (error) {
    if (error instanceof HubRefusedError && error.code === 'LIMIT_EXCEEDED') return null
    throw error
  }
}

/** `twincast jobs show` */
export const createJobsShow = () =>
  hubCommand('show')
    .description('Prints a job, with what it waits for and why devices failed.')
    .argument('<jobId>', 'the job')
    .addOption(format())
    .action((jobId, options) =>
      withHub(options, async ({ client }) => {
        const { job } = await client.execute(ShowJob, { jobId })
        if (!job) throw new Error(`The hub has no job ${jobId}.`)
        const { deviceJobStatistics, blockers, ...rest } = job
        const noLongerMatching = await readLeft(client, jobId)
        const waitsFor = blockers?.map(({ message }) => message)
        printRow({ ...rest, ...deviceJobStatistics, noLongerMatching, waitsFor }, options.format)
      }),
    )
