import { type RefObject, useEffect, useRef, useState } from 'react'
import { Link, useLocation, useNavigationType, useSearchParams } from 'react-router'
import { formatCount } from '../../format.ts'
import { useDefinitionDenial, useDenial } from '../../hub/use-viewer.ts'
import { describeEnd } from '../../job-end.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Page } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { endedOf } from '../../ui/statistics.ts'
import { JobBadge } from '../../ui/status-badge.tsx'
import { ApproveDialog, RejectDialog } from './approval-dialog.tsx'
import { CancelDialog } from './cancel-dialog.tsx'
import { Details } from './details.tsx'
import { Devices } from './devices.tsx'
import { ExtendDialog } from './extend-dialog.tsx'
import { type FailureGroup, FailureGroups } from './failure-groups.tsx'
import { Family } from './family.tsx'
import { isFiltered, noFilters, readFilters, writeFilters } from './filters.ts'
import { History } from './history-panel.tsx'
import styles from './job-view.module.css'
import { LimitsDialog } from './limits-dialog.tsx'
import { PauseDialog, ResumeDialog } from './pause-dialog.tsx'
import { Progress } from './progress.tsx'
import { ProgressChartPanel } from './progress-chart/panel.tsx'
import { RetryDialog } from './retry-dialog.tsx'
import type { KnownJob } from './use-job.ts'
import { Waves } from './waves-panel.tsx'

/** The page of a job that exists. */
export function JobView({ job, now, waves, around, liveError, follow, refresh }: KnownJob) {
  const { jobId } = job
  const [dialog, setDialog] = useState<
    | 'approve'
    | 'reject'
    | 'cancel'
    | 'pause'
    | 'resume'
    | 'extend'
    | 'limits'
    | { readonly retry: FailureGroup | undefined }
  >()
  const [search, setSearch] = useSearchParams()
  const devices = useRef<HTMLElement>(null)
  const denied = useDenial()('WRITE_JOBS')
  const deniedApproval = useDenial()('APPROVE_JOBS')
  const templateDenied = useDefinitionDenial()
  useAnnouncedEnd(jobId, now)
  useOpenedAtDevices(devices, isFiltered(readFilters(search)))

  const hasEnded = now.endTime !== null
  const isPaused = now.status === 'PAUSED'
  const needsApproval = now.status === 'WAITING_FOR_APPROVAL'
  const canCancel = !hasEnded && now.status !== 'CANCELLED'
  // Unknown for a job that is not shown whole: the hub then refuses a retry.
  const deviceCount = now.deviceJobStatistics?.deviceCount ?? 0
  const failureGroups = now.failureGroups ?? []
  const canRetry = hasEnded && deviceCount > 0

  const hasFailures = now.outcome !== 'SUCCEEDED' || failureGroups.length > 0

  const show = ({ code, responseStatus }: FailureGroup): void => {
    const filters =
      responseStatus === null ? { ...noFilters, errorCode: [code] } : { ...noFilters, responseStatus: [responseStatus] }
    setSearch(writeFilters(search, filters), { preventScrollReset: true })
    devices.current?.scrollIntoView({ block: 'start' })
    devices.current?.focus({ preventScroll: true })
  }

  return (
    <Page
      title={jobId}
      tab={`${percentOf(now)}${jobId}`}
      lead={
        <>
          <CopyButton what="job ID" text={jobId} />
          <JobBadge job={now} />
          {job.name !== null && <strong>{job.name}</strong>}
          <span className={styles.kind}>
            {job.cloudToDeviceMethod ? (
              <>
                Direct method <code>{job.cloudToDeviceMethod.methodName}</code>
              </>
            ) : (
              'Twin update'
            )}
          </span>
          {job.retryOf && (
            <span className={styles.kind}>
              Retry of <Link to={`/jobs/${encodeURIComponent(job.retryOf.jobId)}`}>{job.retryOf.jobId}</Link>
            </span>
          )}
        </>
      }
      actions={
        <>
          <ButtonLink to={`/schedule?from=${encodeURIComponent(jobId)}`} denied={denied}>
            Schedule again
          </ButtonLink>
          <ButtonLink to={`/new-template?from=${encodeURIComponent(jobId)}`} denied={templateDenied}>
            Create template…
          </ButtonLink>
          {canRetry && (
            <Button
              kind={hasFailures ? 'primary' : 'plain'}
              denied={denied}
              onClick={() => setDialog({ retry: undefined })}
            >
              Retry…
            </Button>
          )}
          {needsApproval && (
            <>
              <Button kind="primary" denied={deniedApproval} onClick={() => setDialog('approve')}>
                Approve…
              </Button>
              <Button denied={deniedApproval} onClick={() => setDialog('reject')}>
                Reject…
              </Button>
            </>
          )}
          {canCancel && !needsApproval && (
            <Button
              kind={isPaused ? 'primary' : 'plain'}
              denied={denied}
              onClick={() => setDialog(isPaused ? 'resume' : 'pause')}
            >
              {isPaused ? 'Resume…' : 'Pause…'}
            </Button>
          )}
          {canCancel && (
            <Button denied={denied} onClick={() => setDialog('extend')}>
              Extend…
            </Button>
          )}
          {canCancel && (
            <Button denied={denied} onClick={() => setDialog('limits')}>
              Limits…
            </Button>
          )}
          {canCancel && (
            <Button kind="danger" denied={denied} onClick={() => setDialog('cancel')}>
              Cancel job…
            </Button>
          )}
        </>
      }
    >
      <div className={styles.columns}>
        <div className={styles.main}>
          <Progress
            now={now}
            targets={job.targets}
            history={around.history}
            deadline={now.deadline}
            liveError={liveError}
            onFollow={follow}
          />
          <Waves jobId={jobId} now={now} waves={waves} onChanged={refresh} />
          <ProgressChartPanel jobId={jobId} now={now} />
          <FailureGroups groups={failureGroups} onShow={show} onRetry={canRetry && ((retry) => setDialog({ retry }))} />
        </div>
        <div className={styles.side}>
          <Details job={job} now={now} />
          <Family jobId={jobId} around={around} />
          <History events={around.history} deviceCount={deviceCount} targets={job.targets} />
        </div>
      </div>
      <Devices
        ref={devices}
        jobId={jobId}
        isMethod={job.type === 'SCHEDULE_DEVICE_METHOD'}
        targets={job.targets}
        now={now}
        onChanged={refresh}
      />
      {dialog === 'cancel' && (
        <CancelDialog jobId={jobId} now={now} onClose={() => setDialog(undefined)} onCancelled={refresh} />
      )}
      {dialog === 'approve' && <ApproveDialog jobId={jobId} onClose={() => setDialog(undefined)} onChanged={refresh} />}
      {dialog === 'reject' && <RejectDialog jobId={jobId} onClose={() => setDialog(undefined)} onChanged={refresh} />}
      {dialog === 'pause' && <PauseDialog jobId={jobId} onClose={() => setDialog(undefined)} onChanged={refresh} />}
      {dialog === 'resume' && <ResumeDialog jobId={jobId} onClose={() => setDialog(undefined)} onChanged={refresh} />}
      {dialog === 'extend' && (
        <ExtendDialog jobId={jobId} deadline={now.deadline} onClose={() => setDialog(undefined)} onChanged={refresh} />
      )}
      {dialog === 'limits' && (
        <LimitsDialog
          jobId={jobId}
          isMethod={job.type === 'SCHEDULE_DEVICE_METHOD'}
          rollout={now.rollout}
          onClose={() => setDialog(undefined)}
          onChanged={refresh}
        />
      )}
      {typeof dialog === 'object' && (
        <RetryDialog jobId={jobId} now={now} group={dialog.retry} onClose={() => setDialog(undefined)} />
      )}
    </Page>
  )
}

/** Scrolls to the table of devices when a link to some of them opens the page. Going back restores the position. */
function useOpenedAtDevices(devices: RefObject<HTMLElement | null>, isFiltered: boolean): void {
  const { key } = useLocation()
  const isReturn = useNavigationType() === 'POP' && key !== 'default'
  const isWanted = useRef(isFiltered && !isReturn)
  useEffect(() => {
    if (isWanted.current) devices.current?.scrollIntoView({ block: 'start' })
    isWanted.current = false
  }, [devices])
}

/** What the title of the tab says of a running job before its name: how much of it is done. */
function percentOf({ status, deviceJobStatistics: statistics }: KnownJob['now']): string {
  if (status !== 'RUNNING' || statistics === null || statistics.deviceCount === 0) return ''
  return `${Math.floor((endedOf(statistics) / statistics.deviceCount) * 100)}% · `
}

/** Announces the end of the job if it ends while the page is open. */
function useAnnouncedEnd(jobId: string, now: KnownJob['now']): void {
  const announce = useAnnounce()
  const wasOpen = useRef(false)
  const { endTime } = now
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the end is announced, not each change of the counters.
  useEffect(() => {
    if (endTime === null) wasOpen.current = true
    else if (wasOpen.current) {
      wasOpen.current = false
      announce(describeEnd(jobId, now, formatCount))
    }
  }, [endTime, jobId, announce])
}
