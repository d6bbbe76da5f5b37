import type { JobsExportRowFragment } from '../../../generated/console/graphql.ts'
import { graphql } from '../../../generated/console/index.ts'
import type { Field } from '../../export/text.ts'

graphql(`
  fragment JobsExportRow on Job {
    jobId
    name
    labels {
      name
      value
    }
    type
    status
    outcome
    queryCondition
    createdTime
    startTime
    startedTime
    endTime
    ...Operation
    deviceJobStatistics {
      ...Counters
    }
  }
`)

/** A page of the export, with the total only for the first one. */
export const JobsExportDocument = graphql(`
  query JobsExport($filter: JobFilter, $orderBy: JobOrder, $first: Int!, $after: String, $counted: Boolean!) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount @include(if: $counted)
      nodes {
        ...JobsExportRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

const counters = [
  'deviceCount',
  'pendingCount',
  'runningCount',
  'succeededCount',
  'refusedCount',
  'failedCount',
  'cancelledCount',
] as const

/** What the export has of each job. */
export const fields: readonly Field<JobsExportRowFragment>[] = [
  { name: 'jobId', value: ({ jobId }) => jobId },
  { name: 'name', value: ({ name }) => name },
  { name: 'labels', value: ({ labels }) => labels.map(({ name, value }) => `${name}=${value}`).join(' ') },
  { name: 'type', value: ({ type }) => type },
  { name: 'status', value: ({ status }) => status },
  { name: 'outcome', value: ({ outcome }) => outcome },
  { name: 'methodName', value: ({ cloudToDeviceMethod }) => cloudToDeviceMethod?.methodName },
  { name: 'updateTwin', value: ({ updateTwin }) => updateTwin },
  { name: 'queryCondition', value: ({ queryCondition }) => queryCondition },
  { name: 'createdTime', value: ({ createdTime }) => createdTime },
  { name: 'startTime', value: ({ startTime }) => startTime },
  { name: 'startedTime', value: ({ startedTime }) => startedTime },
  { name: 'endTime', value: ({ endTime }) => endTime },
  ...counters.map(
    (name): Field<JobsExportRowFragment> => ({
      name,
      value: ({ deviceJobStatistics }) => deviceJobStatistics?.[name],
    }),
  ),
]
