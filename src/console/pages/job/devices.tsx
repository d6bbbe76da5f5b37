import { type Ref, useEffect, useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { JobDeviceFragment, JobNowFragment, JobTargets } from '../../../generated/console/graphql.ts'
import { faultOf } from '../../condition/fault.ts'
import { ExportButton } from '../../export/button.tsx'
import { formatCount } from '../../format.ts'
import { Button } from '../../ui/button.tsx'
import { classes } from '../../ui/classes.ts'
import { describeError } from '../../ui/describe-error.ts'
import { useSelection } from '../../ui/selection.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { VirtualTable } from '../../ui/virtual-table.tsx'
import { SightContext } from '../../ui/visible-rows.ts'
import { columnsFor } from './device-columns.tsx'
import { DeviceDialog } from './device-dialog.tsx'
import styles from './devices.module.css'
import { fields, JobDevicesExportDocument } from './export.ts'
import { FilterBar } from './filter-bar.tsx'
import { isFiltered, noFilters, readFilters, variablesOf, writeFilters } from './filters.ts'
import { SelectedDevices } from './selected-devices.tsx'
import { useDevices } from './use-devices.ts'

const naming = {
  keyOf: ({ id }: JobDeviceFragment) => id,
  nameOf: ({ deviceId }: JobDeviceFragment) => deviceId,
}

/** Every device of the job: its status, its response, its error. */
export function Devices({
  ref,
  jobId,
  isMethod,
  targets,
  now,
  onChanged,
}: {
  readonly ref: Ref<HTMLElement>
  readonly jobId: string
  /** Whether the job calls a method. */
  readonly isMethod: boolean
  readonly targets: JobTargets
  readonly now: JobNowFragment
  /** Called when the job was changed here. */
  readonly onChanged: () => void
}) {
  const [search, setSearch] = useSearchParams()
  const filters = readFilters(search)
  const { pages, sight, more } = useDevices({ jobId, targets }, filters, now)
  const [shown, setShown] = useState<JobDeviceFragment>()
  // Undefined for a job whose devices are not counted for this viewer.
  const deviceCount = now.deviceJobStatistics?.deviceCount
  const all = deviceCount === undefined ? '–' : formatCount(deviceCount)
  const isEmpty = now.selectedTime === null || deviceCount === 0
  const { rows, totalCount, loading, error, reload } = pages
  const selection = useSelection(JSON.stringify({ ...filters, sort: undefined }), rows, naming)

  // An empty list can be reloaded at once: no row moves.
  const isOutdated = rows.length === 0 && more > 0 && !loading && error === undefined
  useEffect(() => {
    if (isOutdated) reload()
  })

  const change = (next: typeof filters): void =>
    setSearch(writeFilters(search, next), { replace: true, preventScrollReset: true })
  const failure = error && describeError(error)
  const fault = useMemo(() => faultOf(error), [error])
  return (
    <section
      ref={ref}
      tabIndex={-1}
      className={classes(styles.devices, !isEmpty && styles.tall)}
      aria-labelledby="job-devices"
    >
      <header className={styles.head} data-actions>
        <h2 id="job-devices">Devices</h2>
        {totalCount !== undefined && (
          <p className={styles.muted}>
            {isFiltered(filters)
              ? `${formatCount(totalCount + more)} of ${all} match`
              : filters.sort.key === 'device'
                ? formatCount(totalCount + more)
                : `${formatCount(totalCount + more)} of ${all} finished`}
          </p>
        )}
        {isFiltered(filters) && (
          <Button kind="quiet" onClick={() => change({ ...noFilters, sort: filters.sort })}>
            Clear filters
          </Button>
        )}
        {rows.length > 0 && (
          <ExportButton
            list={{
              name: `devices-of-${jobId}`,
              fields,
              document: JobDevicesExportDocument,
              variables: (page) => ({ jobId, ...variablesOf(filters), ...page }),
              read: ({ job }) => job?.deviceJobs,
            }}
          />
        )}
        {more > 0 && rows.length > 0 && (
          <Button className={styles.more} onClick={reload}>
            Refresh ({formatCount(more)} more{' '}
            {filters.sort.key !== 'device' ? 'finished' : isFiltered(filters) ? 'matching' : 'joined'})
          </Button>
        )}
      </header>
      {isEmpty ? (
        <p className={styles.muted}>
          {now.endTime === null
            ? 'Devices appear here once they are selected.'
            : now.outcome === 'NO_DEVICES'
              ? 'No devices matched.'
              : 'The job did not start.'}
        </p>
      ) : (
        <>
          <FilterBar
            filters={filters}
            groups={now.failureGroups ?? []}
            statistics={now.deviceJobStatistics}
            fault={fault}
            onChange={change}
          />
          {rows.length > 0 || loading ? (
            <SightContext value={sight}>
              <VirtualTable
                label="Devices in this job"
                columns={columnsFor(rows, { isMethod, isOpen: now.endTime === null }, setShown)}
                rows={rows}
                keyOf={({ id }) => id}
                totalCount={totalCount}
                sort={filters.sort}
                onSort={(sort) => change({ ...filters, sort })}
                selection={selection}
                onEnd={pages.loadMore}
                footer={
                  loading && rows.length === 0 ? (
                    <LoadingState label="Loading devices" />
                  ) : loading ? (
                    'Loading more…'
                  ) : failure ? (
                    <span role="alert">
                      {failure.message} <Button onClick={pages.loadMore}>Try again</Button>
                    </span>
                  ) : undefined
                }
              />
              <SelectedDevices selection={selection} jobId={jobId} now={now} onChanged={onChanged} />
            </SightContext>
          ) : failure && fault === undefined ? (
            <ErrorState title="Cannot load devices" message={failure.message} onRetry={reload} />
          ) : fault !== undefined ? undefined : (
            <EmptyState
              title={isFiltered(filters) ? 'No matching devices' : 'No devices have finished yet'}
              action={<Button onClick={() => change(noFilters)}>Show all devices</Button>}
            />
          )}
        </>
      )}
      {shown && (
        <DeviceDialog
          row={rows.find(({ id }) => id === shown.id) ?? shown}
          // Those of a continuous job are selected at different times, which the hub does not keep.
          selectedTime={targets === 'CONTINUOUS' ? null : now.selectedTime}
          isMethod={isMethod}
          onClose={() => setShown(undefined)}
        />
      )}
    </section>
  )
}
