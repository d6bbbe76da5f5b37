import { useRef } from 'react'
import { useAnnounce } from '../shell/announcer.tsx'
import { Button } from '../ui/button.tsx'
import styles from './secret.module.css'

/** A value to be copied, such as a key. */
export function Secret({ label, value }: { readonly label: string; readonly value: string }) {
  const announce = useAnnounce()
  const field = useRef<HTMLInputElement>(null)
  const copy = async (): Promise<void> => {
    // Only pages that came over TLS, or from this machine, have the clipboard: elsewhere the text is chosen for Ctrl+C.
    const isCopied = await navigator.clipboard?.writeText(value).then(
      () => true,
      () => false,
    )
    if (!isCopied) field.current?.select()
    announce(isCopied ? `${label} is copied.` : `${label} is selected: copy it with Ctrl and C.`)
  }
  return (
    <div className={styles.secret}>
      <label>
        <span className={styles.label}>{label}</span>
        <input
          ref={field}
          className="control"
          readOnly
          value={value}
          spellCheck={false}
          onFocus={({ target }) => target.select()}
        />
      </label>
      <Button onClick={() => void copy()} aria-label={`Copy ${label}`}>
        Copy
      </Button>
    </div>
  )
}
