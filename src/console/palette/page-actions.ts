import { flushSync } from 'react-dom'
import type { Entry } from './entries.ts'

/** What pages mark with `data-actions`: places that have buttons. */
const buttons = ['button', 'a'].map((tag) => `main [data-actions] ${tag}:not(:disabled, [aria-disabled])`).join()

/**
 * The actions that the page offers now: its buttons, so that no list of them has to be kept. `close` closes the palette,
 * which gives the focus back.
 */
export function actionsOfPage(close: () => void): readonly Entry[] {
  return [...document.querySelectorAll<HTMLElement>(buttons)].map((button, index) => ({
    id: `action-${index}`,
    group: 'Actions of this page',
    name: button.ariaLabel ?? button.textContent.trim(),
    hint: button.closest('section')?.querySelector('h2')?.textContent,
    run() {
      // The button gets the focus, to which what it opens returns. Behind the palette, it could not.
      flushSync(close)
      button.focus()
      button.click()
    },
  }))
}
