import { useState } from 'react'
import { useSearchParams } from 'react-router'
import type { JobScheduleRowFragment as Row } from '../../../generated/console/graphql.ts'
import { useFollowedList } from '../../definition/use-followed-list.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import {
  JobScheduleJobsDocument,
  JobSchedulesChangedDocument,
  JobSchedulesListDocument,
} from '../../job-schedule/documents.ts'
import { withJobs } from '../../job-schedule/last-run.ts'
import { RunResult } from '../../job-schedule/run-result.tsx'
import { describeRecurrence, showSchedule } from '../../job-schedule/words.ts'
import { JobPlaces } from '../../shell/job-places.tsx'
import { Page } from '../../shell/page.tsx'
import { SimpleList } from '../../shell/simple-list.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { NamedLink } from '../../ui/named-link.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'
import { CreateDialog } from './create-dialog.tsx'

/** The list as it was left. */
const keep: KeptRows<Row> = {}

const nothing = <span data-nothing>–</span>

const columns: readonly Column<Row>[] = [
  {
    id: 'schedule',
    name: 'Schedule',
    width: 'minmax(10rem, 2fr)',
    narrow: 'title',
    cell: ({ scheduleId, description }) => (
      <NamedLink to={`/schedules/${encodeURIComponent(scheduleId)}`} name={scheduleId} description={description} />
    ),
  },
  {
    id: 'status',
    name: 'Status',
    width: '7rem',
    narrow: 'left',
    cell: ({ status }) => <Badge {...showSchedule(status)} />,
  },
  { id: 'when', name: 'When', width: 'minmax(10rem, 2fr)', narrow: 'bare', cell: describeRecurrence },
  { id: 'template', name: 'Template', width: 'minmax(7rem, 1fr)', cell: ({ templateId }) => templateId },
  {
    id: 'last',
    name: 'Last run',
    width: '8rem',
    cell: ({ runs }) => (runs?.[0] === undefined ? nothing : <RunResult run={runs[0]} />),
  },
  {
    id: 'next',
    name: 'Next run',
    width: '7rem',
    align: 'end',
    cell: ({ nextTimes }) => (nextTimes?.[0] === undefined ? nothing : <Time value={nextTimes[0]} />),
  },
]

/** The schedules of recurring jobs. `?template=` opens the dialog that creates one. */
export function Component() {
  const pages = usePages(
    JobSchedulesListDocument,
    { first: 50 },
    { read: ({ jobSchedules }) => jobSchedules, keyOf: ({ id }) => id, keep },
  )
  const list = useFollowedList(pages, JobSchedulesChangedDocument, {
    read: ({ definitionChanged: { definitions, ...others } }) => ({
      ...others,
      rows: definitions.flatMap((one) => (one.__typename === 'JobSchedule' ? [one] : [])),
    }),
    nameOf: ({ scheduleId }) => scheduleId,
  })
  const { update } = pages
  useLiveEvents(JobScheduleJobsDocument, { filter: {} }, (events) => {
    const jobs = events.map(({ jobChanged }) => jobChanged.job)
    update((rows) => withJobs(rows, jobs))
  })
  const denied = useDenial()('WRITE_JOBS')
  const [search, setSearch] = useSearchParams()
  const template = search.get('template')
  const [isCreating, setCreating] = useState(false)
  return (
    <Page
      title="Schedules"
      actions={
        <>
          <Button onClick={list.reload} busy={list.loading}>
            Refresh
          </Button>
          <Button kind="primary" denied={denied} onClick={() => setCreating(true)}>
            <Icon name="plus" /> Create schedule…
          </Button>
        </>
      }
    >
      <JobPlaces />
      <SimpleList
        name="schedules"
        list={list}
        columns={columns}
        empty={
          <EmptyState title="No schedules yet">
            <p>
              A schedule schedules a job of a template at recurring times, such as every night at 02:30. It goes on
              until it is paused or deleted.
            </p>
          </EmptyState>
        }
      />
      {(isCreating || template !== null) && (
        <CreateDialog
          templateId={template ?? ''}
          onClose={() => {
            setCreating(false)
            setSearch({}, { replace: true })
          }}
        />
      )}
    </Page>
  )
}
