import type { JobDeviceFragment } from '../../../generated/console/graphql.ts'
import { graphql } from '../../../generated/console/index.ts'
import type { Field } from '../../export/text.ts'

/** A page of the export, with the total only for the first one. */
export const JobDevicesExportDocument = graphql(`
  query JobDevicesExport(
    $jobId: String!
    $filter: DeviceJobFilter
    $orderBy: DeviceJobOrder
    $first: Int!
    $after: String
    $counted: Boolean!
  ) {
    job(jobId: $jobId) {
      deviceJobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
        totalCount @include(if: $counted)
        nodes {
          ...JobDevice
        }
        pageInfo {
          ...NextPage
        }
      }
    }
  }
`)

/** What the export has of each device of the job. */
export const fields: readonly Field<JobDeviceFragment>[] = [
  { name: 'deviceId', value: ({ deviceId }) => deviceId },
  { name: 'status', value: ({ status }) => status },
  { name: 'result', value: ({ result }) => result },
  { name: 'skipped', value: ({ skipped }) => skipped },
  { name: 'startTime', value: ({ startTime }) => startTime },
  { name: 'endTime', value: ({ endTime }) => endTime },
  { name: 'errorCode', value: ({ error }) => error?.code },
  { name: 'errorDescription', value: ({ error }) => error?.description },
  { name: 'responseStatus', value: ({ outcome }) => outcome?.status },
  { name: 'responsePayload', value: ({ outcome }) => outcome?.payload },
]
