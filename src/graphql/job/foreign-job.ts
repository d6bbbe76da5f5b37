import { isOwnJob } from '../../job/own-job.ts'
import type { SelectedJob } from '../../job/store/job-list.ts'
import type { Context } from '../context.ts'

/** Whether the viewer sees the job only in part: it was not scheduled under the scope of the viewer. */
export const isForeign = ({ scope = null }: Pick<SelectedJob, 'scope'>, { viewer }: Pick<Context, 'viewer'>): boolean =>
  !isOwnJob(viewer.scope, { scope })
