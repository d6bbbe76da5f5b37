import { useParams } from 'react-router'
import { useDenial } from '../../hub/use-viewer.ts'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { JobView } from './job-view.tsx'
import { useJob } from './use-job.ts'

/** One job: its progress, its failures by cause, its devices, its history. */
export function Component() {
  const { jobId = '' } = useParams()
  return <JobOf key={jobId} jobId={jobId} />
}

function JobOf({ jobId }: { readonly jobId: string }) {
  const denial = useDenial()
  const state = useJob(jobId)
  switch (state.is) {
    case 'known':
      return <JobView {...state} />
    case 'loading':
      return (
        <Page title={jobId}>
          <LoadingState label="Loading job" />
        </Page>
      )
    case 'failed':
      return (
        <Page title={jobId}>
          <ErrorState title="Cannot load job" message={describeError(state.error).message} onRetry={state.retry} />
        </Page>
      )
    case 'unknown':
      return (
        <Page title="Job not found">
          <EmptyState
            title={`There is no job “${jobId}”`}
            action={
              <>
                <ButtonLink to="/jobs" kind="primary">
                  Back to jobs
                </ButtonLink>
                <ButtonLink to="/schedule" denied={denial('WRITE_JOBS')}>
                  Schedule a job
                </ButtonLink>
              </>
            }
          >
            <p>
              Check the ID; it is case-sensitive. The job may also have been removed: the hub keeps ended jobs for a
              limited time.
            </p>
          </EmptyState>
        </Page>
      )
  }
}
