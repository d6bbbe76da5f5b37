import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { AxeResults, RunOptions } from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterEach, beforeEach, describe } from 'vitest'
import { findBrowser } from './find-browser.ts'

/** The browser that is there; undefined where these tests have to be skipped. */
export const browserPath = findBrowser()

/** One that shows notices on the desktop, too. */
export const browserPathForNotices = findBrowser('notices')

/** A browser without a window, with a profile of its own that goes with it. */
export type TestBrowser = {
  /** A page with cookies and storage of its own, as wide as a laptop's unless said otherwise. */
  open(options: OpenOptions): Promise<OpenPage>
  close(): Promise<void>
}

/** Where it is, and what a person has set. */
export type OpenOptions = {
  /** The hub's address, which paths are below. */
  readonly hub: string
} & Pick<BrowserContextOptions, 'viewport' | 'colorScheme' | 'timezoneId'>

/** A page, and what it complained about. */
export type OpenPage = {
  readonly page: Page
  /** Errors on the console, errors nobody caught, and what the content security policy refused; since asked last. */
  complaints(): string[]
}

/** Starts it. The console must have been built. */
export async function startBrowser(path = browserPath): Promise<TestBrowser> {
  if (!existsSync(resolve(import.meta.dirname, '../../dist/console/index.html'))) {
    throw new Error('The console is not built: run "npm run build" first.')
  }
  // What it leaves behind in the folders for temporary and for personal files lies in here, and goes with it.
  const home = await mkdtemp(join(tmpdir(), 'twincast-browser-'))
  const browser: Browser = await chromium.launch({
    env: { ...process.env, HOME: home, TMPDIR: home },
    ...(path === undefined ? {} : { executablePath: path }),
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Names for this machine that browsers do not trust as they do localhost.
      '--host-resolver-rules=MAP *.example 127.0.0.1',
    ],
    // The sandbox refuses to be started by root, as on machines that only run tests.
    chromiumSandbox: process.getuid?.() !== 0,
  })
  return {
    async open({ hub, ...options }) {
      const context = await browser.newContext({
        baseURL: hub,
        viewport: wide,
        locale: 'en-GB',
        reducedMotion: 'reduce',
        ...options,
      })
      context.setDefaultTimeout(60_000)
      const page = await context.newPage()
      const complaints = await listen(page)
      const all = isTestRunning ? openedByTest : openedForAll
      all.push({ page, complaints })
      return { page, complaints }
    },
    async close() {
      for (const all of [openedForAll, openedByTest]) all.splice(0)
      await browser.close()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

let isTestRunning = false
/** Pages that the tests of a suite share, and those of the test that runs. */
const openedForAll: OpenPage[] = []
const openedByTest: OpenPage[] = []

/**
 * A suite whose tests open pages; it is skipped where there is no browser. After each test, its pages are closed, because they
 * follow their hub and draw. When it has failed, one wants to see what they and those of the suite show.
 */
export const describeInBrowser = describeIn(browserPath)

/** The same, in one that shows notices on the desktop. */
export const describeInBrowserWithNotices = describeIn(browserPathForNotices)

function describeIn(path: string | undefined) {
  return (name: string, tests: () => void): void => {
    describe.skipIf(path === undefined)(name, () => {
      beforeEach(() => {
        isTestRunning = true
      })
      afterEach(async ({ task }) => {
        isTestRunning = false
        const done = openedByTest.splice(0)
        if (task.result?.state === 'fail') {
          for (const { page, complaints } of [...openedForAll, ...done].filter(({ page }) => !page.isClosed())) {
            const text = await page.locator('body').innerText()
            console.error([`${task.name}: ${page.url()} showed`, text, ...complaints()].join('\n'))
          }
        }
        await Promise.all(done.map(({ page }) => page.context().close()))
      })
      tests()
    })
  }
}

/** A laptop's and a telephone's. */
const wide = { width: 1280, height: 800 }
const narrow = { width: 390, height: 844 }

/** Collects what goes wrong on a page from now on. */
async function listen(page: Page): Promise<() => string[]> {
  const found: string[] = []
  // When text in an editor is replaced, Chromium itself may give the new text the style of the old one, which the policy
  // refuses. That is no fault of the page.
  await page.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', ({ target, effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
      const at = target instanceof Element ? target : document.activeElement
      if (effectiveDirective === 'style-src-attr' && at?.closest('[contenteditable]')) return
      console.error('Refused by the policy:', effectiveDirective, blockedURI, sourceFile, lineNumber)
    })`,
  })
  await page.addInitScript({
    content: `window.layoutShift = 0
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) layoutShift += value
      }).observe({ type: 'layout-shift', buffered: true })`,
  })
  page.on('console', (message) => {
    // Chromium's own line about a style does not say where it is; the one above does.
    if (message.type() === 'error' && !message.text().startsWith('Applying inline style violates'))
      found.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => found.push(String(error)))
  return () => found.splice(0)
}

/**
 * All that is wrong with a page as it is now: what axe finds, wide and narrow, light and dark, what one would have to
 * scroll sideways for, and the complaints. With `SCREENSHOTS=folder` it is photographed there, too.
 */
export async function faultsOf({ page, complaints }: OpenPage, name: string): Promise<string[]> {
  const faults: string[] = []
  for (const viewport of [wide, narrow]) {
    await page.setViewportSize(viewport)
    // The bar at the top covers whatever has been scrolled below it, which axe takes for a target that is too small.
    await page.evaluate('scrollTo(0, 0)')
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const found = await accessibilityFaults(page, colorScheme === 'light' ? 'all' : 'colours')
      faults.push(...found.map((fault) => `${viewport.width} ${colorScheme}: ${fault}`))
      if (process.env.SCREENSHOTS) {
        await page.screenshot({
          fullPage: true,
          path: join(process.env.SCREENSHOTS, `${name}-${viewport.width}-${colorScheme}.png`),
        })
      }
    }
    const over = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    if (over > 0) faults.push(`${viewport.width}: ${over} pixels lie beyond the right edge`)
  }
  await page.setViewportSize(wide)
  return [...faults, ...complaints()]
}

/**
 * What axe finds wrong on a page as it is now, best practices and the size of targets among it; of `colours` only what
 * colours decide.
 */
async function accessibilityFaults(page: Page, rules: 'all' | 'colours' = 'all'): Promise<string[]> {
  // Run by the debugger: the policy has no say in it.
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe)
  const options: RunOptions = {
    resultTypes: ['violations'],
    ...(rules === 'all' ? { rules: { 'target-size': { enabled: true } } } : { runOnly: colourRules }),
  }
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`)
  return violations.flatMap(({ id, nodes }) =>
    nodes
      .filter(({ html }) => !isProposals(id, html))
      .map(
        ({ target, html, failureSummary }) => `${id}: ${target.join(' ')}: ${html.slice(0, 200)}: ${failureSummary}`,
      ),
  )
}

/** The short form: each page that is loaded gets it again. */
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const colourRules = ['color-contrast', 'link-in-text-block']

/**
 * The one exception. The list of proposals scrolls and is not reached by Tab: it needs no focus, because the arrow keys
 * go through it from the editor. axe knows that of comboboxes; an editor of several lines must not be called one.
 */
function isProposals(rule: string, html: string): boolean {
  return rule === 'scrollable-region-focusable' && /^<ul [^>]*role="listbox"/.test(html)
}
