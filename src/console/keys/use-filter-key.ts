import { type RefObject, useEffect, useRef } from 'react'
import { useCharacterKeys } from './character-keys.ts'
import { ariaKeys } from './key-table.ts'
import { useKeys } from './use-keys.ts'

/** Makes the key of filters lead to the first field for a search or a condition in an element, which gets the ref. */
export function useFilterKey<Part extends HTMLElement>(): RefObject<Part | null> {
  const ref = useRef<Part>(null)
  const areOn = useCharacterKeys()
  const find = () => ref.current?.querySelector<HTMLElement>('[type="search"], [contenteditable="true"]')
  useKeys({
    filter() {
      const field = find()
      field?.focus()
      if (field instanceof HTMLInputElement) field.select()
    },
  })
  // After each render: which field is the first depends on the choices of the page.
  useEffect(() => {
    const field = find()
    if (areOn) field?.setAttribute('aria-keyshortcuts', ariaKeys('filter'))
    else field?.removeAttribute('aria-keyshortcuts')
  })
  return ref
}
