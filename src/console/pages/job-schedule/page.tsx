import { useParams } from 'react-router'
import { useQuery } from 'urql'
import { useChangesOf } from '../../definition/use-changes-of.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { JobScheduleJobsDocument, JobSchedulePageDocument } from '../../job-schedule/documents.ts'
import { isNews } from '../../job-schedule/last-run.ts'
import { FoundPage } from '../../shell/found-page.tsx'
import { ScheduleView } from './schedule-view.tsx'

/** One schedule: its times, and what it did at the last ones. */
export function Component() {
  const { scheduleId = '' } = useParams()
  const [{ data, error, fetching }, read] = useQuery({ query: JobSchedulePageDocument, variables: { scheduleId } })
  const reload = (): void => read({ requestPolicy: 'network-only' })
  const isDeleted = useChangesOf('JOB_SCHEDULE', data?.jobSchedule?.id, reload)
  // The job of a run changes without its schedule.
  const runs = data?.jobSchedule?.runs ?? []
  useLiveEvents(
    JobScheduleJobsDocument,
    { filter: { jobIdPrefix: `${scheduleId}-` } },
    (events) => {
      if (events.some(({ jobChanged }) => runs.some((run) => isNews(run, jobChanged.job)))) reload()
    },
    { pause: !data?.jobSchedule },
  )
  return (
    <FoundPage
      noun="schedule"
      list={{ to: '/schedules', name: 'schedules' }}
      thing={data?.jobSchedule}
      error={error}
      fetching={fetching}
      onRetry={reload}
    >
      {(schedule) => (
        <ScheduleView key={scheduleId} schedule={schedule} isDeleted={isDeleted} loading={fetching} onReload={reload} />
      )}
    </FoundPage>
  )
}
