import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { useMutation } from 'urql'
import type { WebhookDeliveryRowFragment as Row } from '../../../generated/console/graphql.ts'
import { usePages } from '../../hub/pages.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { ErrorState, LoadingState } from '../../ui/states.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import { type Column, VirtualTable } from '../../ui/virtual-table.tsx'
import { WebhookDeliveriesDocument, WebhookRedeliverDocument } from '../../webhook/documents.ts'
import { deliveryStatuses, describeAttempt, showDelivery, wordOf } from '../../webhook/words.ts'
import styles from './deliveries.module.css'

/** The deliveries of a webhook, the newest events first, and what delivers one again. */
export function Deliveries({ webhookId }: { readonly webhookId: string }) {
  const [search, setSearch] = useSearchParams()
  const status = deliveryStatuses.find(({ key }) => key === search.get('status'))
  const { rows, error, loading, loadMore, reload, update } = usePages(
    WebhookDeliveriesDocument,
    { webhookId, filter: status && { status: [status.value] }, first: 50 },
    { read: ({ webhook }) => webhook?.deliveries, keyOf: ({ id }) => id },
  )
  const announce = useAnnounce()
  const denied = useDenial()('MANAGE_WEBHOOKS')
  const [, redeliver] = useMutation(WebhookRedeliverDocument)
  const [failure, setFailure] = useState<DomainFailure>()
  const again = async ({ deliveryId }: Row): Promise<void> => {
    setFailure(undefined)
    const { data, error } = await redeliver({ input: { deliveryId } })
    const result = data?.redeliverWebhook
    if (result?.__typename === 'RedeliverWebhookPayload') {
      announce('The event is delivered again.')
      const { delivery } = result
      if (delivery) update((known) => known.map((row) => (row.id === delivery.id ? delivery : row)))
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Panel
      title="Deliveries"
      actions={
        <div className={styles.tools}>
          <select
            aria-label="Status"
            className="control"
            value={status?.key ?? ''}
            onChange={({ target }) =>
              setSearch(target.value === '' ? {} : { status: target.value }, {
                replace: true,
                preventScrollReset: true,
              })
            }
          >
            <option value="">All statuses</option>
            {deliveryStatuses.map(({ key, value }) => (
              <option key={key} value={key}>
                {showDelivery(value).word}
              </option>
            ))}
          </select>
          <Button onClick={reload} busy={loading}>
            Refresh
          </Button>
        </div>
      }
    >
      {failure && <DomainError error={failure} />}
      {error !== undefined && rows.length === 0 ? (
        <ErrorState title="Cannot load deliveries" message={describeError(error).message} onRetry={reload} />
      ) : rows.length > 0 ? (
        <VirtualTable
          label="Deliveries"
          columns={columnsFor(denied, (row) => void again(row))}
          rows={rows}
          keyOf={({ id }) => id}
          onEnd={error === undefined ? loadMore : undefined}
          footer={error && <p role="alert">{describeError(error).message}</p>}
        />
      ) : loading ? (
        <LoadingState label="Loading deliveries" />
      ) : (
        <p className={styles.muted}>
          {status === undefined
            ? 'No events yet. Deliveries appear here when jobs start, fail or end, and are kept as long as the jobs.'
            : 'No matching deliveries.'}
        </p>
      )}
    </Panel>
  )
}

const columnsFor = (denied: string | undefined, onAgain: (row: Row) => void): readonly Column<Row>[] => [
  {
    id: 'status',
    name: 'Status',
    width: '7.5rem',
    narrow: 'left',
    cell: ({ status }) => <Badge {...showDelivery(status)} />,
  },
  { id: 'event', name: 'Event', width: 'minmax(8rem, 1fr)', narrow: 'right', cell: ({ event }) => wordOf(event) },
  {
    id: 'job',
    name: 'Job',
    width: 'minmax(8rem, 1.5fr)',
    narrow: 'title',
    cell: ({ jobId }) => (
      <Link className={styles.text} to={`/jobs/${encodeURIComponent(jobId)}`}>
        {jobId}
      </Link>
    ),
  },
  { id: 'time', name: 'Time', width: '6.5rem', cell: ({ createdTime }) => <Time value={createdTime} /> },
  { id: 'attempts', name: 'Attempts', width: '5rem', align: 'end', cell: ({ attempts }) => attempts },
  { id: 'result', name: 'Last attempt', width: 'minmax(10rem, 2fr)', cell: (row) => <Result row={row} /> },
  {
    id: 'again',
    name: 'Repeat',
    width: '8rem',
    align: 'end',
    narrow: 'bare',
    cell: (row) => (
      <Button
        kind="quiet"
        denied={denied}
        aria-label={`Deliver again: ${wordOf(row.event)} ${row.jobId}`}
        onClick={() => onAgain(row)}
      >
        Deliver again
      </Button>
    ),
  },
]

function Result({ row }: { readonly row: Row }) {
  const attempt = describeAttempt(row)
  if (attempt === '' && row.nextAttemptTime === null) {
    return (
      <span className={styles.muted} data-nothing>
        –
      </span>
    )
  }
  return (
    <span className={styles.text}>
      {attempt}
      {row.responseText !== null && <code className={styles.response}> {row.responseText}</code>}
      {row.nextAttemptTime !== null && (
        <span className={styles.muted}>
          {' '}
          Next attempt <Time value={row.nextAttemptTime} />
        </span>
      )}
    </span>
  )
}
