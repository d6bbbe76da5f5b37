import { useState } from 'react'
import { isMac } from '../keys/is-mac.ts'
import { ariaKeys, spellKeys } from '../keys/key-table.ts'
import { useKeys } from '../keys/use-keys.ts'
import styles from '../shell/layout.module.css'
import { Icon } from '../ui/icon.tsx'
import { Palette } from './palette.tsx'

/** Opens the palette, by a click or by its key. */
export function PaletteButton() {
  const [isOpen, setOpen] = useState(false)
  useKeys({ palette: () => setOpen(true) })
  const [keys = []] = spellKeys('palette', isMac)
  return (
    <>
      <button
        type="button"
        className={styles.tool}
        aria-label="Find"
        aria-keyshortcuts={ariaKeys('palette')}
        title={`Find a page, job, device or action (${keys.join('+')})`}
        onClick={() => setOpen(true)}
      >
        <Icon name="search" />
      </button>
      {isOpen && <Palette onClose={() => setOpen(false)} />}
    </>
  )
}
