import { useSyncExternalStore } from 'react'
import { readViews, type SavedView } from './saved-views.ts'

const key = 'twincast-views'
const listeners = new Set<() => void>()

let known: { readonly text: string | null; readonly views: readonly SavedView[] } = { text: null, views: [] }

/** The views that this browser keeps, from any of its tabs. */
export function useSavedViews(): readonly SavedView[] {
  return useSyncExternalStore(subscribe, get)
}

/** Keeps these views instead. Returns false when the browser cannot store them. */
export function storeViews(views: readonly SavedView[]): boolean {
  try {
    if (views.length === 0) localStorage.removeItem(key)
    else localStorage.setItem(key, JSON.stringify(views))
  } catch {
    return false
  }
  for (const listener of listeners) listener()
  return true
}

function get(): readonly SavedView[] {
  const text = localStorage.getItem(key)
  if (text !== known.text) known = { text, views: readViews(text) }
  return known.views
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  // Sent to the other tabs only.
  addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', listener)
  }
}
