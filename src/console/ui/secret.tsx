import { useRef } from 'react'
import { useAnnounce } from '../shell/announcer.tsx'
import { Button } from './button.tsx'
import styles from './secret.module.css'

/** The props of a value that is to be copied. */
export type SecretProps = {
  readonly label: string
  readonly value: string
  /** Makes it readable. Where this is given, the value is concealed, and can only be copied. */
  readonly onReveal?: (() => void) | undefined
}

/** A value to be copied, such as a key. */
export function Secret({ label, value, onReveal }: SecretProps) {
  const announce = useAnnounce()
  const field = useRef<HTMLInputElement>(null)
  const copy = async (): Promise<void> => {
    // Only pages served over TLS or from this machine may use the clipboard. On other pages the text is selected for
    // Ctrl+C.
    const isCopied = await navigator.clipboard?.writeText(value).then(
      () => true,
      () => false,
    )
    if (isCopied) return announce(`${label} copied.`)
    if (onReveal !== undefined) {
      onReveal()
      return announce(`${label} revealed. Copy it from its field.`)
    }
    field.current?.select()
    announce(`${label} selected. Press Ctrl+C to copy it.`)
  }
  return (
    <div className={styles.secret}>
      <label>
        <span className={styles.label}>{label}</span>
        <input
          ref={field}
          className="control"
          readOnly
          value={onReveal === undefined ? value : '•'.repeat(16)}
          spellCheck={false}
          onFocus={({ target }) => target.select()}
        />
      </label>
      {onReveal !== undefined && (
        <Button
          onClick={() => {
            onReveal()
            // The button goes.
            field.current?.focus()
          }}
          aria-label={`Reveal ${label}`}
        >
          Reveal
        </Button>
      )}
      <Button onClick={() => void copy()} aria-label={`Copy ${label}`}>
        Copy
      </Button>
    </div>
  )
}
