import type { JobScheduleRunRowFragment as Run } from '../../generated/console/graphql.ts'

type Job = NonNullable<Run['job']>
type Scheduled = { readonly runs: readonly Run[] | null }

/** Whether the job of a run is shown in another state than this one. */
export const isNews = ({ jobId, job }: Run, news: Job & { readonly jobId: string }): boolean =>
  jobId === news.jobId && (job?.status !== news.status || job.outcome !== news.outcome || job.endTime !== news.endTime)

/** The schedules with the latest states of the jobs of their last runs; the same array when there is nothing new. */
export function withJobs<Row extends Scheduled>(
  rows: readonly Row[],
  jobs: readonly (Job & { readonly jobId: string })[],
): readonly Row[] {
  const latest = new Map(jobs.map((job) => [job.jobId, job]))
  let isSame = true
  const updated = rows.map((row) => {
    const [run] = row.runs ?? []
    const news = run?.jobId == null ? undefined : latest.get(run.jobId)
    if (run === undefined || news === undefined || !isNews(run, news)) return row
    isSame = false
    return { ...row, runs: [{ ...run, job: news }] }
  })
  return isSame ? rows : updated
}
