import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useViewer } from '../hub/use-viewer.ts'
import styles from '../shell/layout.module.css'
import { placesOf } from '../shell/places.ts'
import { Icon } from '../ui/icon.tsx'
import { useCharacterKeys } from './character-keys.ts'
import { KeyList } from './key-list.tsx'
import { ariaKeys } from './key-table.ts'
import { useKeys } from './use-keys.ts'
import { useListener } from './use-listener.ts'

/** Makes the keys of all pages work. Shows the button that lists them. */
export function Shortcuts() {
  const [isListed, setListed] = useState(false)
  const navigate = useNavigate()
  const places = placesOf(useViewer())
  const areOn = useCharacterKeys()
  const goTo = Object.fromEntries(places.map(({ key, to }) => [key, () => void navigate(to)]))
  useListener()
  useKeys({ ...goTo, list: () => setListed(true), close: leave })
  return (
    <>
      <button
        type="button"
        className={`${styles.tool} ${styles.keyboard}`}
        aria-label="Keyboard shortcuts"
        aria-keyshortcuts={areOn ? ariaKeys('list') : undefined}
        title="Keyboard shortcuts"
        onClick={() => setListed(true)}
      >
        <Icon name="keyboard" />
      </button>
      {isListed && <KeyList onClose={() => setListed(false)} />}
    </>
  )
}

/** Takes the focus from a field for a search or a condition, or from a row, so that the keys of the page work again. */
function leave(): void {
  const { activeElement } = document
  const isLeft = activeElement?.matches('[type="search"], [contenteditable="true"], [role="row"] *') ?? false
  if (isLeft && activeElement instanceof HTMLElement) activeElement.blur()
}
