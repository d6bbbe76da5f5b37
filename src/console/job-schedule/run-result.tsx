import { Link } from 'react-router'
import type { JobScheduleRunRowFragment } from '../../generated/console/graphql.ts'
import { showJob } from '../ui/status.ts'
import { Badge } from '../ui/status-badge.tsx'
import { showRun } from './words.ts'

/** The state of the job of a run, which leads to the job; otherwise, what the schedule did. */
export function RunResult({ run: { outcome, jobId, job } }: { readonly run: JobScheduleRunRowFragment }) {
  const badge = <Badge {...(job === null ? showRun(outcome) : showJob(job))} />
  if (job === null || jobId === null) return badge
  return (
    <Link to={`/jobs/${encodeURIComponent(jobId)}`} aria-label={`Job ${jobId}: ${showJob(job).word}`}>
      {badge}
    </Link>
  )
}
