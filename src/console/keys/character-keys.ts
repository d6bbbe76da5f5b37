import { useSyncExternalStore } from 'react'

const key = 'twincast-character-keys'
const listeners = new Set<() => void>()

/** Whether keys without a modifier do something, as was chosen in this browser. */
export const characterKeysAreOn = (): boolean => localStorage.getItem(key) !== 'off'

/** The same for a component, which renders again when it changes. */
export function useCharacterKeys(): boolean {
  return useSyncExternalStore(subscribe, characterKeysAreOn)
}

/** Turns these keys on or off, and stores that. */
export function setCharacterKeys(areOn: boolean): void {
  if (areOn) localStorage.removeItem(key)
  else localStorage.setItem(key, 'off')
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
