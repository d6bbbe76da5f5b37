import { flushSync } from 'react-dom'
import type { Entry } from './entries.ts'

/** What pages mark with `data-actions`: places that have buttons. */
const buttons = ['button', 'a'].map((tag) => `main [data-actions] ${tag}:not(:disabled, [aria-disabled])`).join()

/** An action of the page: its button, and what the palette says about it. */
export type PageAction = Pick<Entry, 'id' | 'name' | 'hint'> & { readonly button: HTMLElement }

/** The actions that the page offers now: its buttons, so that no list of them has to be kept. */
export function actionsOfPage(): readonly PageAction[] {
  const times = new Map<string, number>()
  return [...document.querySelectorAll<HTMLElement>(buttons)].map((button) => {
    const name = button.ariaLabel ?? button.textContent.trim()
    const hint = button.closest('section')?.querySelector('h2')?.textContent
    // Stays the same while other actions come and go.
    const what = `action ${hint ?? ''} ${name}`.replaceAll(/[^A-Za-z0-9]+/g, '-')
    const time = times.get(what) ?? 0
    times.set(what, time + 1)
    return { id: `${what}-${time}`, name, hint, button }
  })
}

/** Calls the listener whenever the page may offer other actions. Returns a function that ends this. */
export function watchActions(listener: () => void): () => void {
  const observer = new MutationObserver(listener)
  const main = document.querySelector('main')
  const attributeFilter = ['disabled', 'aria-disabled', 'aria-label']
  if (main) observer.observe(main, { subtree: true, childList: true, characterData: true, attributeFilter })
  return () => observer.disconnect()
}

/** Whether two lists have the same buttons with the same names. */
export function isSameActions(some: readonly PageAction[], others: readonly PageAction[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ id, button }, index) => id === others[index]?.id && button === others[index].button)
  )
}

/** The action as an entry. `close` closes the palette, which gives the focus back. */
export function entryOf({ id, name, hint, button }: PageAction, close: () => void): Entry {
  return {
    id,
    group: 'Actions of this page',
    name,
    hint,
    run() {
      // The button gets the focus, to which what it opens returns. Behind the palette, it could not.
      flushSync(close)
      button.focus()
      button.click()
    },
  }
}
