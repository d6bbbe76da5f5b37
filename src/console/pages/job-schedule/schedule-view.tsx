import { useState } from 'react'
import { Link } from 'react-router'
import type { JobSchedulePageQuery } from '../../../generated/console/graphql.ts'
import { formatPlanned } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { describeRecurrence, missedWords, overlapWords, showSchedule } from '../../job-schedule/words.ts'
import { Page, Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Fact, Facts } from '../../ui/facts.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import { DeleteDialog, PauseDialog, ResumeDialog } from './change-dialogs.tsx'
import { EditDialog } from './edit-dialog.tsx'
import { Runs } from './runs.tsx'
import styles from './schedule-view.module.css'

type Schedule = NonNullable<JobSchedulePageQuery['jobSchedule']>

/** The page of a schedule that exists. */
export function ScheduleView({
  schedule,
  isDeleted,
  loading,
  onReload,
}: {
  readonly schedule: Schedule
  /** Whether it was deleted since it was read. */
  readonly isDeleted: boolean
  readonly loading: boolean
  readonly onReload: () => void
}) {
  const { scheduleId, status, nextTimes } = schedule
  const [dialog, setDialog] = useState<'edit' | 'pause' | 'resume' | 'delete'>()
  const denied = useDenial()('WRITE_JOBS')
  const close = (): void => setDialog(undefined)
  return (
    <Page
      title={scheduleId}
      tab={`Schedule ${scheduleId}`}
      lead={<Badge {...showSchedule(status)} />}
      actions={
        <>
          {status === 'ACTIVE' && (
            <Button denied={denied} onClick={() => setDialog('pause')}>
              Pause…
            </Button>
          )}
          {status === 'PAUSED' && (
            <Button kind="primary" denied={denied} onClick={() => setDialog('resume')}>
              Resume…
            </Button>
          )}
          <Button denied={denied} onClick={() => setDialog('edit')}>
            Edit…
          </Button>
          <Button kind="danger" denied={denied} onClick={() => setDialog('delete')}>
            Delete…
          </Button>
        </>
      }
    >
      {isDeleted && <Notice kind="warning">This schedule has been deleted.</Notice>}
      {schedule.statusReason !== null && (
        <Notice kind="warning">The hub has paused this schedule: {schedule.statusReason}</Notice>
      )}
      <Facts>
        <Fact name="When">{describeRecurrence(schedule)}</Fact>
        <Fact name="Cron">
          <code>{schedule.cron}</code>
        </Fact>
        <Fact name="Template">
          <Link to={`/templates/${encodeURIComponent(schedule.templateId)}`}>{schedule.templateId}</Link>
        </Fact>
        {schedule.description !== null && <Fact name="Description">{schedule.description}</Fact>}
        <Fact name="When an earlier job has not ended">{overlapWords[schedule.onOverlap] ?? schedule.onOverlap}</Fact>
        <Fact name="When no hub ran at a time">{missedWords[schedule.onMissed] ?? schedule.onMissed}</Fact>
        {schedule.endTime !== null && (
          <Fact name="End">
            <Time value={schedule.endTime} describe={formatPlanned} />
          </Fact>
        )}
        <Fact name="On behalf of">{schedule.author}</Fact>
        {schedule.scope !== null && <Fact name="Devices">{schedule.scope}</Fact>}
        <Fact name="Created">
          <Time value={schedule.createdTime} />
        </Fact>
      </Facts>
      <Panel title="Next times">
        {nextTimes === null || nextTimes.length === 0 ? (
          <p>{whyNone[status] ?? 'No further times.'}</p>
        ) : (
          <ol className={styles.times}>
            {nextTimes.map((time) => (
              <li key={time}>
                <Time value={time} describe={formatPlanned} />
              </li>
            ))}
          </ol>
        )}
      </Panel>
      <Runs runs={schedule.runs ?? []} loading={loading} onReload={onReload} />
      {dialog === 'edit' && <EditDialog schedule={schedule} onClose={close} />}
      {dialog === 'pause' && <PauseDialog scheduleId={scheduleId} onClose={close} />}
      {dialog === 'resume' && <ResumeDialog scheduleId={scheduleId} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog scheduleId={scheduleId} onClose={close} />}
    </Page>
  )
}

const whyNone: Readonly<Partial<Record<string, string>>> = {
  PAUSED: 'None while it is paused.',
  ENDED: 'None: it has ended.',
}
