import { type ReactNode, useCallback, useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { DevicesRowFragment } from '../../../generated/console/graphql.ts'
import { faultOf } from '../../condition/fault.ts'
import {
  conditionOf,
  type DeviceList,
  faultIn,
  isFiltered,
  orderOf,
  plainConditionOf,
  readAddress,
  writeAddress,
} from '../../device/address.ts'
import { ScheduleForSelected } from '../../device/schedule-link.tsx'
import { ExportButton } from '../../export/button.tsx'
import { formatCount } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Page } from '../../shell/page.tsx'
import { ScopeHint } from '../../shell/scope-hint.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Icon } from '../../ui/icon.tsx'
import { NotLive } from '../../ui/not-live.tsx'
import { useSelection } from '../../ui/selection.ts'
import { SelectionBar } from '../../ui/selection-bar.tsx'
import type { Sort } from '../../ui/sort.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { VirtualTable } from '../../ui/virtual-table.tsx'
import { SightContext } from '../../ui/visible-rows.ts'
import { ViewLinks } from '../../views/view-links.tsx'
import { ViewsButton } from '../../views/views-button.tsx'
import { ColumnsDialog } from './columns-dialog.tsx'
import { DevicesExportDocument, fieldsFor } from './export.ts'
import { FilterBar } from './filter-bar.tsx'
import styles from './page.module.css'
import { RegisterDialog } from './register-dialog.tsx'
import { columnsFor } from './row-cells.tsx'
import { useDeviceList } from './use-device-list.ts'

/** All devices by ID: their connection, their status, their tags and properties. */
export function Component() {
  const [search, setSearch] = useSearchParams()
  const list = useMemo(() => readAddress(search), [search])
  const setList = useCallback(
    (next: DeviceList, isStep: boolean) =>
      setSearch((present) => writeAddress(next, present), { replace: !isStep, preventScrollReset: true }),
    [setSearch],
  )
  const view = writeAddress(list, new URLSearchParams()).toString()
  const devices = useDeviceList(list)
  const denial = useDenial()
  const [dialog, setDialog] = useState<'columns' | 'register'>()
  const fault = useMemo(() => {
    const found = faultOf(devices.error)
    return found && faultIn(list, found)
  }, [list, devices.error])
  const whyEmpty = whyNoDevices(devices, fault !== undefined)

  return (
    <Page
      title="Devices"
      lead={
        devices.totalCount !== undefined && (
          <span className={styles.total} role="status">
            {describeTotal(devices.totalCount, isFiltered(list))}
          </span>
        )
      }
      actions={
        <>
          <ViewsButton page="devices" search={view} />
          <ExportButton
            denied={whyEmpty}
            list={{
              name: 'devices',
              fields: fieldsFor(list.columns),
              document: DevicesExportDocument,
              variables: (page) => ({
                queryCondition: conditionOf(list),
                orderBy: orderOf(list),
                withTwin: list.columns.length > 0,
                ...page,
              }),
              read: ({ devices }) => devices,
            }}
          />
          <Button denied={denial('WRITE_DEVICES')} onClick={() => setDialog('register')}>
            <Icon name="plus" /> Register device…
          </Button>
          <ButtonLink
            to={`/schedule?condition=${encodeURIComponent(plainConditionOf(list))}`}
            kind="primary"
            denied={denial('WRITE_JOBS') ?? whyEmpty}
          >
            {isFiltered(list) && fault === undefined ? 'Schedule for these devices' : 'Schedule a job'}
          </ButtonLink>
        </>
      }
    >
      <ScopeHint />
      <ViewLinks page="devices" search={view} />
      <FilterBar list={list} fault={fault} onChange={setList} onColumns={() => setDialog('columns')} />
      {devices.liveError !== undefined && devices.rows.length > 0 && (
        <NotLive what="The connection status" message={devices.liveError.message} onRetry={devices.retryLive} />
      )}
      <List
        list={list}
        devices={devices}
        isFaulty={fault !== undefined}
        onSort={(sort) => setList({ ...list, sort }, false)}
        onClear={() => setList({ ...list, condition: '', idPrefix: '' }, true)}
        onRegister={() => setDialog('register')}
      />
      {dialog === 'columns' && (
        <ColumnsDialog
          columns={list.columns}
          onClose={() => setDialog(undefined)}
          onChange={(columns) => setList({ ...list, columns }, true)}
        />
      )}
      {dialog === 'register' && <RegisterDialog onClose={() => setDialog(undefined)} onRegistered={devices.reload} />}
    </Page>
  )
}

/** Why the list has no devices to do something with; undefined while it may have some. */
function whyNoDevices({ totalCount, rows, error }: Devices, isFaulty: boolean): string | undefined {
  if (isFaulty) return 'The condition has an error.'
  if (error !== undefined && rows.length === 0) return 'The devices could not be loaded.'
  return totalCount === 0 ? 'There are no devices in the list.' : undefined
}

const naming = {
  keyOf: ({ id }: DevicesRowFragment) => id,
  nameOf: ({ deviceId }: DevicesRowFragment) => deviceId,
}

type Devices = ReturnType<typeof useDeviceList>

function List({
  list,
  devices,
  isFaulty,
  onSort,
  onClear,
  onRegister,
}: {
  readonly list: DeviceList
  readonly devices: Devices
  readonly isFaulty: boolean
  readonly onSort: (sort: Sort<'id'>) => void
  readonly onClear: () => void
  readonly onRegister: () => void
}) {
  const denial = useDenial()
  const { rows, error, loading } = devices
  const columns = useMemo(() => columnsFor(list.columns), [list.columns])
  const { condition, idPrefix } = list
  const selection = useSelection(JSON.stringify([condition, idPrefix]), rows, naming)
  if (rows.length > 0 || loading) {
    return (
      <SightContext value={devices.sight}>
        <VirtualTable
          label="Devices"
          columns={columns}
          rows={rows}
          keyOf={({ id }) => id}
          totalCount={devices.totalCount}
          sort={list.sort}
          onSort={onSort}
          selection={selection}
          onEnd={error === undefined ? devices.loadMore : undefined}
          footer={footerOf(devices)}
        />
        <SelectionBar selection={selection}>
          <ScheduleForSelected
            deviceIds={selection.rows.map(({ deviceId }) => deviceId)}
            instead="Select fewer, or schedule for all devices that match a condition, with the button at the top."
          />
        </SelectionBar>
      </SightContext>
    )
  }
  // The problem with the condition is shown below it.
  if (isFaulty) return null
  if (error !== undefined) {
    return <ErrorState title="Cannot load devices" message={describeError(error).message} onRetry={devices.reload} />
  }
  return isFiltered(list) ? (
    <EmptyState title="No matching devices" action={<Button onClick={onClear}>Show all devices</Button>}>
      <p>
        IDs and text are case-sensitive, and <code>'3'</code> does not equal <code>3</code>. A comparison never matches
        a device that does not have the tag; use <code>NOT IS_DEFINED(tags.site)</code> to find those.
      </p>
    </EmptyState>
  ) : (
    <EmptyState
      title="No devices yet"
      action={
        <Button kind="primary" denied={denial('WRITE_DEVICES')} onClick={onRegister}>
          Register your first device
        </Button>
      }
    >
      <p>
        Devices connect over MQTT with a connection string, which you get when you register them. To try it with
        simulated devices, run <code>npx twincast simulate</code> on the hub’s machine.
      </p>
    </EmptyState>
  )
}

function footerOf({ error, loading, hasMore, loadMore, rows }: Devices): ReactNode {
  if (loading && rows.length === 0) return <LoadingState label="Loading devices" />
  if (error !== undefined) {
    return (
      <p role="alert">
        {describeError(error).message} <Button onClick={loadMore}>Try again</Button>
      </p>
    )
  }
  if (loading || hasMore) return <p>Loading more devices…</p>
  return rows.length > 20 ? <p>No more devices.</p> : undefined
}

function describeTotal(count: number, filtered: boolean): string {
  if (filtered) return `${formatCount(count)} found`
  return count === 1 ? '1 device' : `${formatCount(count)} devices`
}
