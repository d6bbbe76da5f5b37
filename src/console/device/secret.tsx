import { useRef } from 'react'
import { useAnnounce } from '../shell/announcer.tsx'
import { Button } from '../ui/button.tsx'
import styles from './secret.module.css'

/** A value to be copied, such as a key. */
export function Secret({ label, value }: { readonly label: string; readonly value: string }) {
  const announce = useAnnounce()
  const field = useRef<HTMLInputElement>(null)
  const copy = async (): Promise<void> => {
    // Only pages served over TLS or from this machine may use the clipboard. On other pages the text is selected for
    // Ctrl+C.
    const isCopied = await navigator.clipboard?.writeText(value).then(
      () => true,
      () => false,
    )
    if (!isCopied) field.current?.select()
    announce(isCopied ? `${label} copied.` : `${label} selected. Press Ctrl+C to copy it.`)
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
