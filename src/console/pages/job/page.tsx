import { useParams } from 'react-router'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/errors.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { JobView } from './job-view.tsx'
import { useJob } from './use-job.ts'

/** One job: how far it is, why devices failed, every device of it, what became of it. */
export function Component() {
  const { jobId = '' } = useParams()
  return <JobOf key={jobId} jobId={jobId} />
}

function JobOf({ jobId }: { readonly jobId: string }) {
  const state = useJob(jobId)
  switch (state.is) {
    case 'known':
      return <JobView {...state} />
    case 'loading':
      return (
        <Page title={jobId}>
          <LoadingState label="Reading the job" />
        </Page>
      )
    case 'failed':
      return (
        <Page title={jobId}>
          <ErrorState
            title="The job cannot be shown"
            message={describeError(state.error).message}
            onRetry={state.retry}
          />
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
                  Go to the jobs
                </ButtonLink>
                <ButtonLink to="/schedule">Schedule a job</ButtonLink>
              </>
            }
          >
            <p>
              Its id may be misspelt: upper and lower case matter. Or it ended long ago: the hub keeps jobs that have
              ended for a while only.
            </p>
          </EmptyState>
        </Page>
      )
  }
}
