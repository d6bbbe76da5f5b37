import { useParams } from 'react-router'
import { useQuery } from 'urql'
import { JobSchedulePageDocument } from '../../job-schedule/documents.ts'
import { FoundPage } from '../../shell/found-page.tsx'
import { ScheduleView } from './schedule-view.tsx'

/** One schedule: its times, and what it did at the last ones. */
export function Component() {
  const { scheduleId = '' } = useParams()
  const [{ data, error, fetching }, read] = useQuery({ query: JobSchedulePageDocument, variables: { scheduleId } })
  const reload = (): void => read({ requestPolicy: 'network-only' })
  return (
    <FoundPage
      noun="schedule"
      list={{ to: '/schedules', name: 'schedules' }}
      thing={data?.jobSchedule}
      error={error}
      fetching={fetching}
      onRetry={reload}
    >
      {(schedule) => <ScheduleView key={scheduleId} schedule={schedule} loading={fetching} onReload={reload} />}
    </FoundPage>
  )
}
