import { Secret } from '../ui/secret.tsx'

/** The secret of a webhook, which the hub shows once. */
export function SigningSecret({ secret }: { readonly secret: string }) {
  return (
    <>
      <p>
        The receiver verifies messages with this secret. Copy it now: it is not shown again. A lost secret can be
        replaced.
      </p>
      <Secret label="Secret" value={secret} />
    </>
  )
}
