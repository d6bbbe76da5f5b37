import { useState } from 'react'
import type { WebhookNowFragment as Row } from '../../../generated/console/graphql.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { useDenial, useViewer } from '../../hub/use-viewer.ts'
import { webhookDenialOf } from '../../hub/viewer.ts'
import { Page } from '../../shell/page.tsx'
import { SimpleList } from '../../shell/simple-list.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { NamedLink } from '../../ui/named-link.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'
import { WebhooksListDocument } from '../../webhook/documents.ts'
import { describeEvents, showWebhook } from '../../webhook/words.ts'
import { CreateDialog } from './create-dialog.tsx'

/** The list as it was left. */
const keep: KeptRows<Row> = {}

const columns: readonly Column<Row>[] = [
  {
    id: 'address',
    name: 'Address',
    width: 'minmax(10rem, 2fr)',
    narrow: 'title',
    cell: ({ webhookId, url, description }) => (
      <NamedLink to={`/webhooks/${encodeURIComponent(webhookId)}`} name={url} description={description} />
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
      <SimpleList
        name="webhooks"
        list={list}
        columns={columns}
        empty={
          <EmptyState title="No webhooks yet">
            <p>
              A webhook is an address to which the hub sends events: when a job starts, when too many of its devices
              fail, and when it ends. So a chat or a pipeline knows without asking.
            </p>
          </EmptyState>
        }
      />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} onCreated={list.reload} />}
    </Page>
  )
}
