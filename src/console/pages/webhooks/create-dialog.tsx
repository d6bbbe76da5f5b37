import { useState } from 'react'
import { useMutation } from 'urql'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Dialog } from '../../ui/dialog.tsx'
import type { DomainFailure } from '../../ui/domain-error.tsx'
import { WebhookCreateDocument } from '../../webhook/documents.ts'
import { newSettings, type Settings } from '../../webhook/settings.ts'
import { SettingsForm } from '../../webhook/settings-form.tsx'
import { SigningSecret } from '../../webhook/signing-secret.tsx'

/** Creates a webhook, and shows its secret. */
export function CreateDialog({ onClose, onCreated }: { readonly onClose: () => void; readonly onCreated: () => void }) {
  const announce = useAnnounce()
  const [{ fetching }, create] = useMutation(WebhookCreateDocument)
  const [typed, setTyped] = useState(newSettings)
  const [failure, setFailure] = useState<DomainFailure>()
  const [secret, setSecret] = useState<string>()
  const submit = async (input: Settings): Promise<void> => {
    setFailure(undefined)
    const { data, error } = await create({ input })
    const result = data?.createWebhook
    if (result?.__typename === 'CreateWebhookPayload') {
      announce('Webhook created.')
      setSecret(result.secret)
      onCreated()
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  if (secret !== undefined) {
    return (
      <Dialog title="Webhook created" onClose={onClose} actions={<Button onClick={onClose}>Done</Button>}>
        <SigningSecret secret={secret} />
      </Dialog>
    )
  }
  return (
    <Dialog title="Create webhook" isEdited={typed !== newSettings} onClose={onClose}>
      <SettingsForm
        typed={typed}
        onChange={setTyped}
        busy={fetching}
        failure={failure}
        submit="Create"
        onSubmit={(settings) => void submit(settings)}
      />
    </Dialog>
  )
}
