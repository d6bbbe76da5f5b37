/** A job in an event, as far as its end is concerned. */
type Reported = { readonly jobId: string; readonly endTime: string | null }

/**
 * Which jobs have ended since they were followed. `open` has those that were seen open, and is changed. A subscription
 * begins with jobs that ended long ago: these are not among them, unless they were scheduled in this tab (`own`).
 */
export function newlyEnded<Job extends Reported>(
  events: readonly { readonly job: Job; readonly isNew: boolean }[],
  open: Set<string>,
  own: readonly string[],
): readonly Job[] {
  const ended: Job[] = []
  for (const { job, isNew } of events) {
    if (job.endTime === null) open.add(job.jobId)
    else if (open.delete(job.jobId) || isNew || own.includes(job.jobId)) ended.push(job)
  }
  return [...new Map(ended.map((job) => [job.jobId, job])).values()]
}
