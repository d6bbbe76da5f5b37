import { OutOfScopeError } from '../../errors.ts'
import { isOwnJob } from '../../job/own-job.ts'
import type { SelectedJob } from '../../job/store/job-list.ts'
import { printScope } from '../../query/scope.ts'
import type { Context } from '../context.ts'

/** Whether the viewer sees the job only in part: it was not scheduled under the scope of the viewer. */
export const isForeign = ({ scope = null }: Pick<SelectedJob, 'scope'>, { viewer }: Pick<Context, 'viewer'>): boolean =>
  !isOwnJob(viewer.scope, { scope })

/** The error of a field of a foreign job that is hidden from the viewer. */
export const hidden = (what: string, jobId: string, { viewer }: Pick<Context, 'viewer'>): OutOfScopeError =>
  new OutOfScopeError(
    `Job "${jobId}" was not scheduled under your scope, so its ${what} is hidden.`,
    printScope(viewer.scope),
  )

/** What the descriptions of fields say that are null for a foreign job. */
export const nullWhenForeign = 'Null for a job that was not scheduled under your scope.'
