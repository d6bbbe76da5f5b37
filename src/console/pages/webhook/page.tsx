import { useParams } from 'react-router'
import { useQuery } from 'urql'
import { useRetryWhenBack } from '../../hub/use-retry-when-back.ts'
import { useViewer } from '../../hub/use-viewer.ts'
import { webhookDenialOf } from '../../hub/viewer.ts'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
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
  const retry = (): void => read({ requestPolicy: 'network-only' })
  useRetryWhenBack(error, retry)
  if (data?.webhook) return <WebhookView webhook={data.webhook} />
  if (error !== undefined) {
    return (
      <Page title="Webhook">
        <ErrorState title="Cannot load webhook" message={describeError(error).message} onRetry={retry} />
      </Page>
    )
  }
  if (fetching) {
    return (
      <Page title="Webhook">
        <LoadingState label="Loading webhook" />
      </Page>
    )
  }
  return (
    <Page title="Webhook not found">
      <EmptyState
        title="There is no webhook with this ID"
        action={
          <ButtonLink to="/webhooks" kind="primary">
            Back to webhooks
          </ButtonLink>
        }
      >
        <p>It may have been deleted.</p>
      </EmptyState>
    </Page>
  )
}
