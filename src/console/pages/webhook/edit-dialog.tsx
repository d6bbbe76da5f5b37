import { useState } from 'react'
import { useMutation } from 'urql'
import type { WebhookNowFragment } from '../../../generated/console/graphql.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Dialog } from '../../ui/dialog.tsx'
import type { DomainFailure } from '../../ui/domain-error.tsx'
import { WebhookUpdateDocument } from '../../webhook/documents.ts'
import { type Settings, typedFrom } from '../../webhook/settings.ts'
import { SettingsForm } from '../../webhook/settings-form.tsx'

/** Changes the settings of a webhook. */
export function EditDialog({
  webhook,
  onClose,
}: {
  readonly webhook: WebhookNowFragment
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const [{ fetching }, update] = useMutation(WebhookUpdateDocument)
  const [before] = useState(() => typedFrom(webhook))
  const [typed, setTyped] = useState(before)
  const [failure, setFailure] = useState<DomainFailure>()
  const submit = async (settings: Settings): Promise<void> => {
    setFailure(undefined)
    const { data, error } = await update({ input: { webhookId: webhook.webhookId, ...settings } })
    const result = data?.updateWebhook
    if (result?.__typename === 'UpdateWebhookPayload') {
      announce('Webhook changed.')
      onClose()
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Dialog title="Edit webhook" isEdited={typed !== before} onClose={onClose}>
      <SettingsForm
        typed={typed}
        onChange={setTyped}
        busy={fetching}
        failure={failure}
        submit="Save"
        onSubmit={(settings) => void submit(settings)}
      />
    </Dialog>
  )
}
