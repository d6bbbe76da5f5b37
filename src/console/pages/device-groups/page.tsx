import { useEffect, useRef, useState } from 'react'
import type { DeviceGroupRowFragment as Row } from '../../../generated/console/graphql.ts'
import { useFollowedList } from '../../definition/use-followed-list.ts'
import { formatCount } from '../../format.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { usePulse } from '../../hub/use-pulse.ts'
import { useDefinitionDenial } from '../../hub/use-viewer.ts'
import { JobPlaces } from '../../shell/job-places.tsx'
import { Page } from '../../shell/page.tsx'
import { SimpleList } from '../../shell/simple-list.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { NamedLink } from '../../ui/named-link.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'
import { DeleteDialog } from './delete-dialog.tsx'
import { DeviceGroupCountsDocument, DeviceGroupsChangedDocument, DeviceGroupsListDocument } from './documents.ts'
import { EditDialog } from './edit-dialog.tsx'

/** The list as it was left. */
const keep: KeptRows<Row> = {}

/** Milliseconds between two counts: no event reports that devices have come or gone. */
const countPulse = 15_000

type Asked = { readonly to: 'edit' | 'delete'; readonly group: Row } | { readonly to: 'create' }

/** The device groups, with the number of devices that each has now. */
export function Component() {
  const pages = usePages(
    DeviceGroupsListDocument,
    { first: 50 },
    { read: ({ deviceGroups }) => deviceGroups, keyOf: ({ id }) => id, keep },
  )
  const list = useFollowedList(pages, DeviceGroupsChangedDocument, {
    read: ({ definitionChanged: { definitions, ...others } }) => ({
      ...others,
      rows: definitions.flatMap((one) => (one.__typename === 'DeviceGroup' ? [one] : [])),
    }),
    nameOf: ({ name }) => name,
  })
  // Apart from the list, which is shown before its devices are counted.
  const counts = usePages(
    DeviceGroupCountsDocument,
    { first: 50 },
    { read: ({ deviceGroups }) => deviceGroups, keyOf: ({ id }) => id },
  )
  usePulse(countPulse, list.rows.length > 0, counts.reload)
  // A group that was created or changed has another count.
  const state = list.rows.map(({ id, etag }) => `${id} ${etag}`).join()
  const counted = useRef(state)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each state; `reload` is another each time.
  useEffect(() => {
    if (counted.current !== '' && counted.current !== state) counts.reload()
    counted.current = state
  }, [state])
  const denied = useDefinitionDenial()
  const [asked, setAsked] = useState<Asked>()
  const reload = (): void => {
    list.reload()
    counts.reload()
  }
  const close = (): void => setAsked(undefined)
  const columns = columnsFor(new Map(counts.rows.map(({ id, deviceCount }) => [id, deviceCount])), denied, setAsked)
  return (
    <Page
      title="Device groups"
      actions={
        <>
          <Button onClick={reload} busy={list.loading}>
            Refresh
          </Button>
          <Button kind="primary" denied={denied} onClick={() => setAsked({ to: 'create' })}>
            <Icon name="plus" /> Create group…
          </Button>
        </>
      }
    >
      <JobPlaces />
      <SimpleList
        name="device groups"
        list={{
          ...list,
          loadMore: () => {
            list.loadMore()
            counts.loadMore()
          },
        }}
        columns={columns}
        empty={
          <EmptyState title="No device groups yet">
            <p>
              A device group is a condition with a name. Other conditions use it as <code>group('north-pumps')</code>,
              also those of jobs and templates.
            </p>
          </EmptyState>
        }
      />
      {asked?.to === 'create' && <EditDialog group={undefined} onClose={close} onSaved={reload} />}
      {asked?.to === 'edit' && <EditDialog group={asked.group} onClose={close} onSaved={reload} />}
      {asked?.to === 'delete' && <DeleteDialog group={asked.group} onClose={close} onDeleted={reload} />}
    </Page>
  )
}

const columnsFor = (
  counts: ReadonlyMap<string, number | null>,
  denied: string | undefined,
  onAsk: (asked: Asked) => void,
): readonly Column<Row>[] => [
  {
    id: 'group',
    name: 'Group',
    width: 'minmax(9rem, 1fr)',
    narrow: 'title',
    cell: ({ name, description }) => (
      <NamedLink
        to={`/devices?${new URLSearchParams({ condition: `group('${name}')` })}`}
        name={name}
        description={description}
      />
    ),
  },
  {
    id: 'devices',
    name: 'Devices',
    width: '5rem',
    align: 'end',
    cell: ({ id }) => {
      const count = counts.get(id)
      return count === undefined || count === null ? '–' : formatCount(count)
    },
  },
  {
    id: 'condition',
    name: 'Condition',
    width: 'minmax(10rem, 2fr)',
    narrow: 'bare',
    cell: ({ queryCondition }) => <code>{queryCondition}</code>,
  },
  { id: 'by', name: 'Changed by', width: 'minmax(6rem, 0.7fr)', cell: ({ updatedBy }) => updatedBy },
  { id: 'updated', name: 'Changed', width: '6.5rem', cell: ({ updatedTime }) => <Time value={updatedTime} /> },
  {
    id: 'change',
    name: 'Change',
    width: '10rem',
    align: 'end',
    narrow: 'bare',
    cell: (group) => (
      <>
        <Button
          kind="quiet"
          denied={denied}
          aria-label={`Edit ${group.name}…`}
          onClick={() => onAsk({ to: 'edit', group })}
        >
          Edit…
        </Button>
        <Button
          kind="quiet"
          denied={denied}
          aria-label={`Delete ${group.name}…`}
          onClick={() => onAsk({ to: 'delete', group })}
        >
          Delete…
        </Button>
      </>
    ),
  },
]
