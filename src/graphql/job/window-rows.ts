import type { SelectedJob } from '../../job/store/job-list.ts'
import { findWindows, type WindowTimes } from '../../job/store/time-windows.ts'
import type { Context } from '../context.ts'
import { perParent } from '../loaders.ts'
import { withoutScope } from '../without-scope.ts'

// A job has a window for each time zone of its devices. They are read once for all fields that need them.
const findOfJob = perParent(withoutScope(findWindows), ({ jobKey }) => jobKey)

/** The time windows of a job; none before its start, after its end, and without `rollout.window`. */
export const windowsIn = async (
  { key, rollout, endTime }: Pick<SelectedJob, 'key' | 'rollout' | 'endTime'>,
  context: Context,
): Promise<readonly WindowTimes[]> =>
  rollout?.window === undefined || endTime !== null ? [] : findOfJob(context, key, undefined)
