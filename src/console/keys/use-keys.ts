import { useEffect, useRef } from 'react'
import { characterKeysAreOn } from './character-keys.ts'
import { isCharacterKey, type KeyName, keyNames } from './key-table.ts'

/** What keys do at present. Undefined: nothing. */
export type KeyActions = { readonly [name in KeyName]?: (() => void) | undefined }

type Source = { readonly current: { readonly actions: KeyActions; readonly own: readonly KeyName[] } }

const sources = new Set<Source>()

/**
 * Makes keys work while the component is mounted. `own`: the keys that its controls handle themselves, which are only
 * listed.
 */
export function useKeys(actions: KeyActions, own: readonly KeyName[] = []): void {
  const latest = useRef({ actions, own })
  useEffect(() => {
    latest.current = { actions, own }
  })
  useEffect(() => {
    sources.add(latest)
    return () => {
      sources.delete(latest)
    }
  }, [])
}

/** What a key does at present: the component that was mounted last decides. */
export function actionOf(name: KeyName): (() => void) | undefined {
  return [...sources].findLast(({ current }) => current.actions[name] !== undefined)?.current.actions[name]
}

/** The keys that do something on this page, in the order of the table. */
export function workingKeys(): readonly KeyName[] {
  const areOn = characterKeysAreOn()
  const isThere = (name: KeyName): boolean =>
    actionOf(name) !== undefined || [...sources].some(({ current }) => current.own.includes(name))
  return keyNames.filter((name) => (areOn || !isCharacterKey(name)) && isThere(name))
}
