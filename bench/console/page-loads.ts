import { pause } from '../../src/cli/abortable.ts'
import type { TestBrowser } from '../../test/support/browser.ts'
import { lookFor, sinceNavigation } from './sights.ts'

/** A page, and what it shows when it is there. */
export type MeasuredPage = { readonly name: string; readonly path: string; readonly sight: string }

/** A load with an empty cache: what was sent, and when something was painted, in milliseconds since the navigation. */
type Load = {
  readonly bytes: number
  readonly requests: number
  readonly first: number
  readonly largest: number
  readonly there: number
}

/** A network as a browser simulates it. */
export type Network = { readonly megabits: number; readonly latencyMs: number }

const runs = 3
/** Milliseconds for what a page loads when it has nothing else to do. */
const idle = 3_000

const watchPaints = `
  window.paints = { first: 0, largest: 0 }
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') paints.first = startTime
  }).observe({ type: 'paint', buffered: true })
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) paints.largest = startTime
  }).observe({ type: 'largest-contentful-paint', buffered: true })`

/** Loads the page three times. */
export async function measureLoads(
  browser: TestBrowser,
  http: string,
  page: MeasuredPage,
  signal: AbortSignal,
): Promise<readonly Load[]> {
  const loads: Load[] = []
  while (loads.length < runs) loads.push(await load(browser, http, page, signal))
  return loads
}

async function load(browser: TestBrowser, http: string, measured: MeasuredPage, signal: AbortSignal): Promise<Load> {
  const { page } = await browser.open({ hub: http })
  try {
    const devtools = await page.context().newCDPSession(page)
    let [bytes, requests] = [0, 0]
    devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength
      requests++
    })
    await devtools.send('Network.enable')
    await page.addInitScript({ content: watchPaints })
    await lookFor(page, { there: measured.sight }, { before: true })
    await page.goto(measured.path)
    const there = await sinceNavigation(page)
    await pause(idle, signal)
    const paints = await page.evaluate<{ readonly first: number; readonly largest: number }>('window.paints')
    return { bytes, requests, ...paints, there }
  } finally {
    await page.context().close()
  }
}

/** Milliseconds until the page is there, over a slower network. */
export async function measureSlowLoad(
  browser: TestBrowser,
  http: string,
  measured: MeasuredPage,
  { megabits, latencyMs }: Network,
): Promise<number> {
  const { page } = await browser.open({ hub: http })
  try {
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Network.enable')
    const bytesPerSecond = (megabits * 1_000_000) / 8
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: latencyMs,
      downloadThroughput: bytesPerSecond,
      uploadThroughput: bytesPerSecond,
    })
    await lookFor(page, { there: measured.sight }, { before: true })
    await page.goto(measured.path)
    return await sinceNavigation(page)
  } finally {
    await page.context().close()
  }
}

const range = (values: readonly number[]): string => {
  const [low, high] = [Math.round(Math.min(...values)), Math.round(Math.max(...values))]
  return low === high ? `${low}` : `${low}–${high}`
}

/** `612 KB / 14 requests` */
export const describeSent = (loads: readonly Load[]): string =>
  `${range(loads.map(({ bytes }) => bytes / 1000))} KB / ${range(loads.map(({ requests }) => requests))} requests`

/** `FCP 120–130 ms, LCP 200–240 ms, there after 190–220 ms` */
export const describePaints = (loads: readonly Load[]): string =>
  `FCP ${range(loads.map(({ first }) => first))} ms, LCP ${range(loads.map(({ largest }) => largest))} ms, there after ${range(loads.map(({ there }) => there))} ms`
