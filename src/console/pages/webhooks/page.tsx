import { useState } from 'react'
import { Link } from 'react-router'
import type { WebhookNowFragment as Row } from '../../../generated/console/graphql.ts'
import { type KeptRows, type Pages, usePages } from '../../hub/pages.ts'
import { useDenial, useViewer } from '../../hub/use-viewer.ts'
import { webhookDenialOf } from '../../hub/viewer.ts'
import { Page } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Icon } from '../../ui/icon.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import { type Column, VirtualTable } from '../../ui/virtual-table.tsx'
import { WebhooksListDocument } from '../../webhook/documents.ts'
import { describeEvents, showWebhook } from '../../webhook/words.ts'
import { CreateDialog } from './create-dialog.tsx'
import styles from './page.module.css'

/** The list as it was left. */
const keep: KeptRows<Row> = {}

const columns: readonly Column<Row>[] = [
  {
    id: 'address',
    name: 'Address',
    width: 'minmax(10rem, 2fr)',
    narrow: 'title',
    cell: ({ webhookId, url, description }) => (
      <div className={styles.name}>
        <Link className={`${styles.address} stretched`} to={`/webhooks/${encodeURIComponent(webhookId)}`}>
          {url}
        </Link>
        {description !== null && <span className={styles.muted}>{description}</span>}
      </div>
    ),
  },
  {
    id: 'status',
    name: 'Status',
    width: '7rem',
    narrow: 'left',
    cell: (webhook) => <Badge {...showWebhook(webhook)} />,
  },
  { id: 'events', name: 'Events', width: 'minmax(10rem, 2fr)', narrow: 'bare', cell: describeEvents },
  { id: 'by', name: 'Created by', width: 'minmax(6rem, 1fr)', cell: ({ createdBy }) => createdBy },
  {
    id: 'created',
    name: 'Created',
    width: '6.5rem',
    align: 'end',
    cell: ({ createdTime }) => <Time value={createdTime} />,
  },
]

/** The addresses to which the hub sends events of jobs, for a viewer who may manage them. */
export function Component() {
  const denial = webhookDenialOf(useViewer())
  if (denial === undefined) return <Webhooks />
  return (
    <Page title="Webhooks">
      <EmptyState title="You cannot manage webhooks" action={<ButtonLink to="/">Back to the first page</ButtonLink>}>
        <p>{denial}</p>
      </EmptyState>
    </Page>
  )
}

function Webhooks() {
  const list = usePages(
    WebhooksListDocument,
    { first: 50 },
    { read: ({ webhooks }) => webhooks, keyOf: ({ id }) => id, keep },
  )
  const denied = useDenial()('MANAGE_WEBHOOKS')
  const [isCreating, setCreating] = useState(false)
  return (
    <Page
      title="Webhooks"
      actions={
        <>
          <Button onClick={list.reload} busy={list.loading}>
            Refresh
          </Button>
          <Button kind="primary" denied={denied} onClick={() => setCreating(true)}>
            <Icon name="plus" /> Create webhook…
          </Button>
        </>
      }
    >
      <List list={list} />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} onCreated={list.reload} />}
    </Page>
  )
}

function List({ list: { rows, error, loading, reload, loadMore } }: { readonly list: Pages<Row> }) {
  if (error !== undefined && rows.length === 0) {
    return <ErrorState title="Cannot load webhooks" message={describeError(error).message} onRetry={reload} />
  }
  if (rows.length === 0 && loading) return <LoadingState label="Loading webhooks" />
  if (rows.length === 0) {
    return (
      <EmptyState title="No webhooks yet">
        <p>
          A webhook is an address to which the hub sends events: when a job starts, when too many of its devices fail,
          and when it ends. So a chat or a pipeline knows without asking.
        </p>
      </EmptyState>
    )
  }
  return (
    <VirtualTable
      label="Webhooks"
      columns={columns}
      rows={rows}
      keyOf={({ id }) => id}
      onEnd={error === undefined ? loadMore : undefined}
    />
  )
}
