import { type FragmentType, graphql, readFragment } from './generated/index.ts'

const JobRow = graphql(/* GraphQL */ `
  fragment JobRow on Job {
    jobId
    status
    outcome
    deviceJobStatistics {
      ...Progress
    }
  }
`)

const Progress = graphql(/* GraphQL */ `
  fragment Progress on DeviceJobStatistics {
    deviceCount
    succeededCount
    failedCount
    cancelledCount
  }
`)

/** A job in one line. Takes any object of which a document has asked `...JobRow`. */
export function jobRow(job: FragmentType<typeof JobRow>): string {
  const { jobId, status, outcome, deviceJobStatistics } = readFragment(JobRow, job)
  return `${jobId}: ${(outcome ?? status).toLowerCase()}, ${deviceJobStatistics ? progress(deviceJobStatistics) : 'not counted'}`
}

/** How far a job is. Takes any object of which a document has asked `...Progress`. */
export function progress(statistics: FragmentType<typeof Progress>): string {
  const { deviceCount, succeededCount, failedCount, cancelledCount } = readFragment(Progress, statistics)
  const endedCount = succeededCount + failedCount + cancelledCount
  return `${endedCount} of ${deviceCount} ended, ${failedCount} failed`
}
