import type { Page } from 'playwright-core'

/** What a page shows at some time: expressions in JavaScript, by name, that are true from then on. */
export type Sights = Readonly<Record<string, string>>

/** When each was seen first, in milliseconds since 1970. */
export type Seen = Readonly<Record<string, number>>

/** Lets the page look in each frame. `before`: from its next load on, instead of now. */
export async function lookFor(page: Page, sights: Sights, { before = false } = {}): Promise<void> {
  const tests = Object.entries(sights).map(([name, test]) => `${JSON.stringify(name)}: () => ${test}`)
  const script = `window.allSeen = new Promise((resolve) => {
    const sights = { ${tests.join(', ')} }
    const seen = {}
    const look = () => {
      for (const [name, isThere] of Object.entries(sights)) if (!(name in seen) && isThere()) seen[name] = Date.now()
      if (Object.keys(seen).length < ${tests.length}) requestAnimationFrame(look)
      else resolve(seen)
    }
    requestAnimationFrame(look)
  })
  undefined`
  if (before) await page.addInitScript({ content: script })
  else await page.evaluate(script)
}

/** Resolves when all of them were seen. */
export const seenOn = (page: Page): Promise<Seen> => page.evaluate<Seen>('window.allSeen')

/** Milliseconds from the beginning of the navigation until all of them were seen. */
export async function sinceNavigation(page: Page): Promise<number> {
  const seen = await seenOn(page)
  return Math.max(...Object.values(seen)) - (await page.evaluate<number>('performance.timeOrigin'))
}

/** Whether a table has a row with a link. */
export const hasRows = (table: string): string =>
  `document.querySelector('[role="table"][aria-label="${table}"] a') !== null`

/** Whether a text is shown in one of the elements. */
export const shows = (selector: string, text: RegExp): string =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].some(({ textContent }) => ${text}.test(textContent))`
