import { Link } from 'react-router'
import type { JobScheduleRunRowFragment as Run } from '../../../generated/console/graphql.ts'
import { RunResult } from '../../job-schedule/run-result.tsx'
import { describeRun } from '../../job-schedule/words.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Time } from '../../ui/time.tsx'
import { type Column, VirtualTable } from '../../ui/virtual-table.tsx'

/** What a schedule did at its last planned times, the newest first. */
export function Runs({
  runs,
  loading,
  onReload,
}: {
  readonly runs: readonly Run[]
  readonly loading: boolean
  readonly onReload: () => void
}) {
  return (
    <Panel
      title="Last runs"
      actions={
        <Button onClick={onReload} busy={loading}>
          Refresh
        </Button>
      }
    >
      {runs.length === 0 ? (
        <p>No planned time has passed yet.</p>
      ) : (
        <VirtualTable label="Last runs" columns={columns} rows={runs} keyOf={({ time }) => time} />
      )}
    </Panel>
  )
}

const columns: readonly Column<Run>[] = [
  { id: 'time', name: 'Planned time', width: '8rem', narrow: 'right', cell: ({ time }) => <Time value={time} /> },
  { id: 'result', name: 'Result', width: '9rem', narrow: 'left', cell: (run) => <RunResult run={run} /> },
  { id: 'job', name: 'Job', width: 'minmax(10rem, 2fr)', narrow: 'bare', cell: (run) => <Job run={run} /> },
]

/** The job, or why there is none. */
function Job({ run: { outcome, reason, jobId, job } }: { readonly run: Run }) {
  if (jobId === null) return describeRun(outcome, reason)
  if (job === null) return `${jobId} (no longer kept)`
  return <Link to={`/jobs/${encodeURIComponent(jobId)}`}>{jobId}</Link>
}
