import type { WaveState } from '../../job/blockers.ts'
import type { SelectedJob } from '../../job/store/job-list.ts'
import { findWaves, type WaveRow } from '../../job/store/waves.ts'
import { soakEnd, waitingOf } from '../../job/waves.ts'
import type { Context } from '../context.ts'
import { perParent } from '../loaders.ts'
import { withoutScope } from '../without-scope.ts'

// A job has at most 20 waves, which are found by its key. They are read once for all fields that need them.
const findOfJob = perParent(withoutScope(findWaves), ({ jobKey }) => jobKey)

/** The waves of a job that has started, in order. */
export const wavesIn = (jobKey: string, context: Context): Promise<readonly WaveRow[]> =>
  findOfJob(context, jobKey, undefined)

/** The wave whose gate decides when the next one is opened. */
export async function lastOpenWave(
  { key, openWave, rollout }: Pick<SelectedJob, 'key' | 'openWave' | 'rollout'>,
  context: Context,
): Promise<WaveState | undefined> {
  const open = (await wavesIn(key, context)).filter(({ wave }) => openWave !== null && wave <= openWave)
  const row = open.at(-1)
  if (row === undefined) return undefined
  const gate = rollout?.waves?.[row.wave - 1]?.gate ?? null
  return {
    wave: row.wave,
    waitingCount: open.reduce((sum, counts) => sum + waitingOf(counts), 0),
    gate,
    counts: row,
    soakedTime: soakEnd(gate, row.reachedTime),
    waitsForApproval: row.approvalTime !== null,
    hasFailed: row.failedTime !== null,
  }
}
