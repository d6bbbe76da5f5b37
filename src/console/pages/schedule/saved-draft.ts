import { type Draft, isUntouched, readDraft } from './draft.ts'

const key = 'twincast-draft'

/** The draft of this browser tab; an empty one where there is none. */
export function savedDraft(): Draft {
  return readDraft(sessionStorage.getItem(key))
}

/** Keeps it until the tab is closed, across other pages and reloads. An empty one is not kept. */
export function saveDraft(draft: Draft): void {
  try {
    if (isUntouched(draft)) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(draft))
  } catch {
    // Larger than what a browser keeps: it lives as long as the page.
  }
}
