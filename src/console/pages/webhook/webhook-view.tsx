import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'
import type { WebhookNowFragment } from '../../../generated/console/graphql.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { ConfirmDialog } from '../../shell/confirm-dialog.tsx'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Fact, Facts } from '../../ui/facts.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import { WebhookDeleteDocument, WebhookRotateDocument, WebhookUpdateDocument } from '../../webhook/documents.ts'
import { SigningSecret } from '../../webhook/signing-secret.tsx'
import { describeEvents, showWebhook } from '../../webhook/words.ts'
import { Deliveries } from './deliveries.tsx'
import { EditDialog } from './edit-dialog.tsx'

/** The page of a webhook that exists. */
export function WebhookView({ webhook }: { readonly webhook: WebhookNowFragment }) {
  const { webhookId, url, enabled } = webhook
  const [dialog, setDialog] = useState<'edit' | 'status' | 'rotate' | 'delete'>()
  const [secret, setSecret] = useState<string>()
  const denied = useDenial()('MANAGE_WEBHOOKS')
  const close = (): void => setDialog(undefined)
  return (
    <Page
      title={url}
      tab="Webhook"
      lead={<Badge {...showWebhook(webhook)} />}
      actions={
        <>
          <Button denied={denied} onClick={() => setDialog('edit')}>
            Edit…
          </Button>
          <Button denied={denied} onClick={() => setDialog('status')}>
            {enabled ? 'Disable…' : 'Enable…'}
          </Button>
          <Button denied={denied} onClick={() => setDialog('rotate')}>
            Replace secret…
          </Button>
          <Button kind="danger" denied={denied} onClick={() => setDialog('delete')}>
            Delete…
          </Button>
        </>
      }
    >
      {webhook.disabledReason !== null && (
        <Notice kind="warning">The hub has disabled this webhook: {webhook.disabledReason}</Notice>
      )}
      <Facts>
        <Fact name="Events">{describeEvents(webhook)}</Fact>
        {webhook.description !== null && <Fact name="Description">{webhook.description}</Fact>}
        <Fact name="Created">
          <Time value={webhook.createdTime} /> by {webhook.createdBy}
        </Fact>
      </Facts>
      <Deliveries webhookId={webhookId} />
      {dialog === 'edit' && <EditDialog webhook={webhook} onClose={close} />}
      {dialog === 'status' && <StatusDialog webhook={webhook} onClose={close} />}
      {dialog === 'rotate' && (
        <RotateDialog
          webhookId={webhookId}
          onClose={close}
          onRotated={(next) => {
            close()
            setSecret(next)
          }}
        />
      )}
      {dialog === 'delete' && <DeleteDialog webhookId={webhookId} onClose={close} />}
      {secret !== undefined && (
        <Dialog
          title="Secret replaced"
          onClose={() => setSecret(undefined)}
          actions={<Button onClick={() => setSecret(undefined)}>Done</Button>}
        >
          <SigningSecret secret={secret} />
        </Dialog>
      )}
    </Page>
  )
}

function StatusDialog({ webhook, onClose }: { readonly webhook: WebhookNowFragment; readonly onClose: () => void }) {
  const [, update] = useMutation(WebhookUpdateDocument)
  const announce = useAnnounce()
  // The question stays the same, even if the status changes in the meantime.
  const [isDisabling] = useState(webhook.enabled)
  return (
    <ConfirmDialog
      right="MANAGE_WEBHOOKS"
      title={isDisabling ? 'Disable this webhook?' : 'Enable this webhook?'}
      action={isDisabling ? 'Disable' : 'Enable'}
      kind={isDisabling ? 'danger' : 'primary'}
      onClose={onClose}
      run={async () => {
        const { data, error } = await update({ input: { webhookId: webhook.webhookId, enabled: !isDisabling } })
        return { result: data?.updateWebhook, error }
      }}
      isDone={({ __typename }) => __typename === 'UpdateWebhookPayload'}
      onDone={() => {
        announce(isDisabling ? 'Webhook disabled.' : 'Webhook enabled.')
        onClose()
      }}
    >
      <p>
        {isDisabling
          ? 'Pending deliveries wait until it is enabled again. Events that happen meanwhile are not kept for it.'
          : 'Deliveries that were waiting are sent, and new events are.'}
      </p>
    </ConfirmDialog>
  )
}

function RotateDialog({
  webhookId,
  onClose,
  onRotated,
}: {
  readonly webhookId: string
  readonly onClose: () => void
  readonly onRotated: (secret: string) => void
}) {
  const [, rotate] = useMutation(WebhookRotateDocument)
  return (
    <ConfirmDialog
      right="MANAGE_WEBHOOKS"
      title="Replace the secret?"
      action="Replace secret"
      kind="primary"
      onClose={onClose}
      run={async () => {
        const { data, error } = await rotate({ input: { webhookId } })
        return { result: data?.rotateWebhookSecret, error }
      }}
      isDone={({ __typename }) => __typename === 'RotateWebhookSecretPayload'}
      onDone={(result) => {
        if (result.__typename === 'RotateWebhookSecretPayload') onRotated(result.secret)
      }}
    >
      <p>
        For 24 hours, messages are signed with the new secret and the present one, so that the receiver can be changed
        in between. A second replacement within that time ends the present one.
      </p>
    </ConfirmDialog>
  )
}

function DeleteDialog({ webhookId, onClose }: { readonly webhookId: string; readonly onClose: () => void }) {
  const [, remove] = useMutation(WebhookDeleteDocument)
  const announce = useAnnounce()
  const navigate = useNavigate()
  return (
    <ConfirmDialog
      right="MANAGE_WEBHOOKS"
      title="Delete this webhook?"
      action="Delete webhook"
      kind="danger"
      onClose={onClose}
      run={async () => {
        const { data, error } = await remove({ input: { webhookId } })
        return { result: data?.deleteWebhook, error }
      }}
      // One that is already gone is as good as deleted.
      isDone={({ __typename }) => __typename === 'DeleteWebhookPayload' || __typename === 'NotFoundError'}
      onDone={() => {
        announce('Webhook deleted.')
        void navigate('/webhooks')
      }}
    >
      <p>Its deliveries are deleted too. Messages that are being sent may still arrive. This can’t be undone.</p>
    </ConfirmDialog>
  )
}
