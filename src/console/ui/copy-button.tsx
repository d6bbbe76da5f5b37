import { useState } from 'react'
import { useAnnounce } from '../shell/announcer.tsx'
import { Button } from './button.tsx'
import styles from './copy-button.module.css'

/** Copies a text. `what` names it for screen readers. Nothing on pages that may not use the clipboard, without TLS. */
export function CopyButton({ what, text }: { readonly what: string; readonly text: string }) {
  const announce = useAnnounce()
  const [copied, setCopied] = useState<string>()
  if (navigator.clipboard === undefined) return null
  const copy = async (): Promise<void> => {
    const isCopied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    )
    if (isCopied) setCopied(text)
    announce(isCopied ? `${what} copied.` : `${what} could not be copied.`)
  }
  return (
    <Button kind="quiet" className={styles.copy} aria-label={`Copy ${what}`} onClick={() => void copy()}>
      {copied === text ? 'Copied' : 'Copy'}
    </Button>
  )
}
