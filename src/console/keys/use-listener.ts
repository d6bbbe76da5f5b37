import { useEffect } from 'react'
import { isMac } from './is-mac.ts'
import { findKey, isCharacterKey, type KeyName, readPress } from './key-table.ts'
import { actionOf, workingKeys } from './use-keys.ts'

/** Milliseconds in which the second of two keys has to follow. */
const pause = 1_500

/** Everything that takes text, or that uses letters to choose. */
const typing =
  'input:not([type="checkbox"], [type="radio"], [type="button"]), textarea, select, [contenteditable]:not([contenteditable="false"]), [role="combobox"], [role="listbox"], [role="menu"], [role="tree"]'

/** Carries out the keys of the table. While a dialog is open none of them does anything: it handles its own. */
export function useListener(): void {
  useEffect(() => {
    let first: { readonly key: string; readonly at: number } | undefined
    const listen = (event: KeyboardEvent): void => {
      const press = event.defaultPrevented || event.isComposing ? undefined : readPress(event, isMac)
      // Shift alone, on the way to a character.
      if (press === undefined || event.key === 'Shift' || document.querySelector('dialog:modal') !== null) return
      const isTyping = event.target instanceof Element && event.target.closest(typing) !== null
      const before = first !== undefined && event.timeStamp - first.at < pause ? first.key : undefined
      first = undefined
      const names = workingKeys().filter((name) => actionOf(name) !== undefined && !(isTyping && isCharacterKey(name)))
      const found = findKey(press, before, names)
      if (found === undefined) return
      if ('first' in found) first = { key: found.first, at: event.timeStamp }
      else {
        event.preventDefault()
        if (!event.repeat || repeats(found.name)) actionOf(found.name)?.()
      }
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}

/** Whether a key that is held down does something again and again. */
const repeats = (name: KeyName): boolean => name === 'next' || name === 'previous'
