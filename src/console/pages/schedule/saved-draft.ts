import { type Draft, isUntouched, readDraft } from './draft.ts'

const key = 'twincast-draft'

/** The draft of this browser tab, or an empty one. */
export function savedDraft(): Draft {
  return readDraft(sessionStorage.getItem(key))
}

/** Stores a draft until the tab is closed, across pages and reloads. An empty draft is not stored. */
export function saveDraft(draft: Draft): void {
  try {
    if (isUntouched(draft)) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(draft))
  } catch {
    // The draft is larger than the storage of the browser. It lasts only as long as the page.
  }
}
