import type { DevicesRowFragment } from '../../../generated/console/graphql.ts'
import { graphql } from '../../../generated/console/index.ts'
import { valueAt } from '../../device/twin-path.ts'
import type { Field } from '../../export/text.ts'

/** A page of the export, with the total only for the first one. */
export const DevicesExportDocument = graphql(`
  query DevicesExport(
    $queryCondition: String
    $orderBy: DeviceOrder
    $first: Int!
    $after: String
    $withTwin: Boolean!
    $counted: Boolean!
  ) {
    devices(queryCondition: $queryCondition, orderBy: $orderBy, first: $first, after: $after) {
      totalCount @include(if: $counted)
      nodes {
        ...DevicesRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** What the export has of each device: also the values at the paths that are columns of the table. */
export function fieldsFor(paths: readonly string[]): readonly Field<DevicesRowFragment>[] {
  return [
    { name: 'deviceId', value: ({ deviceId }) => deviceId },
    { name: 'connectionState', value: ({ connectionState }) => connectionState },
    { name: 'status', value: ({ status }) => status },
    { name: 'statusReason', value: ({ statusReason }) => statusReason },
    { name: 'lastActivityTime', value: ({ lastActivityTime }) => lastActivityTime },
    ...paths.map((path) => ({ name: path, value: ({ twin }: DevicesRowFragment) => twin && twinValue(twin, path) })),
  ]
}

function twinValue({ tags, properties }: NonNullable<DevicesRowFragment['twin']>, path: string): unknown {
  return valueAt({ tags, properties: { desired: properties.desired.value, reported: properties.reported.value } }, path)
}
