import { useParams } from 'react-router'
import { useQuery } from 'urql'
import { useViewer } from '../../hub/use-viewer.ts'
import { webhookDenialOf } from '../../hub/viewer.ts'
import { FoundPage } from '../../shell/found-page.tsx'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { WebhookDocument } from '../../webhook/documents.ts'
import { WebhookView } from './webhook-view.tsx'

/** One webhook: its settings and its deliveries. */
export function Component() {
  const { webhookId = '' } = useParams()
  const denial = webhookDenialOf(useViewer())
  if (denial === undefined) return <WebhookOf key={webhookId} webhookId={webhookId} />
  return (
    <Page title="Webhook">
      <EmptyState title="You cannot manage webhooks" action={<ButtonLink to="/">Back to the first page</ButtonLink>}>
        <p>{denial}</p>
      </EmptyState>
    </Page>
  )
}

function WebhookOf({ webhookId }: { readonly webhookId: string }) {
  const [{ data, error, fetching }, read] = useQuery({ query: WebhookDocument, variables: { webhookId } })
  return (
    <FoundPage
      noun="webhook"
      list={{ to: '/webhooks', name: 'webhooks' }}
      thing={data?.webhook}
      error={error}
      fetching={fetching}
      onRetry={() => read({ requestPolicy: 'network-only' })}
    >
      {(webhook) => <WebhookView webhook={webhook} />}
    </FoundPage>
  )
}
