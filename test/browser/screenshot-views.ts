import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import type { TestBrowser } from '../support/browser.ts'
import { routeConnection } from '../support/live-connection.ts'

/** What operators see of jobs and of a device, in states that are worth a look. */
export type Scene = {
  /** Jobs that have ended: one that all of its devices refused, and one that was cancelled. */
  readonly refused: string
  readonly cancelled: string
  /** A job that runs for as long as the pictures take. */
  readonly running: string
  /** A condition for a new job, and a device with jobs. */
  readonly condition: string
  readonly deviceId: string
}

type View = { readonly name: string; readonly path: string; readonly show: (page: Page) => Promise<void> }

/** In pixels: a laptop's and a telephone's. */
const widths = [1280, 390]
/** Of long tables, only the beginning is shown. */
const mostHeight = 2_600

const rowsOf =
  (table: string) =>
  (page: Page): Promise<void> =>
    page.getByRole('table', { name: table }).getByRole('link').first().waitFor()

const viewsOf = ({ refused, cancelled, condition, deviceId }: Scene): readonly View[] => [
  { name: 'jobs', path: '/console/jobs', show: rowsOf('Jobs') },
  { name: 'job-refused', path: `/console/jobs/${refused}`, show: rowsOf('Devices in this job') },
  { name: 'job-cancelled', path: `/console/jobs/${cancelled}`, show: rowsOf('Devices in this job') },
  {
    name: 'schedule-review',
    path: `/console/schedule?condition=${encodeURIComponent(condition)}`,
    async show(page) {
      await page.getByLabel('Method', { exact: true }).fill('reboot')
      const review = page.getByRole('region', { name: '4. Review' })
      await review.getByRole('button', { name: 'Review', exact: true }).click()
      await review.getByRole('button', { name: /^Schedule on / }).waitFor()
    },
  },
  { name: 'device', path: `/console/devices/${deviceId}`, show: rowsOf('Jobs on this device') },
]

/** Takes pictures of all views, at both sizes, light and dark: `job-running-390-dark.png`. */
export async function photographViews(browser: TestBrowser, hub: string, scene: Scene, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await photographRunning(browser, hub, scene.running, folder)
  for (const { name, path, show } of viewsOf(scene)) {
    const { page } = await browser.open({ hub })
    await page.goto(path)
    await live(page)
    await show(page)
    await photograph(page, name, folder)
    await page.context().close()
  }
}

/** The running job, and the same during an outage. */
async function photographRunning(browser: TestBrowser, hub: string, jobId: string, folder: string): Promise<void> {
  const { page } = await browser.open({ hub })
  const connection = await routeConnection(page)
  await page.goto(`/console/jobs/${jobId}`)
  await live(page)
  const course = page.getByRole('region', { name: 'Progress over time' })
  await course.getByRole('img', { name: /^Progress chart/ }).waitFor()
  await rowsOf('Devices in this job')(page)
  await photograph(page, 'job-running', folder)
  await connection.cut()
  await page.getByText(/^Connection lost at /).waitFor()
  await course.getByText('No data', { exact: true }).waitFor()
  await photograph(page, 'job-outage', folder)
  await page.context().close()
}

const live = (page: Page): Promise<void> => page.getByRole('status').getByText('Live').waitFor()

async function photograph(page: Page, name: string, folder: string): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 })
    const height = Math.min(mostHeight, await page.evaluate<number>('document.documentElement.scrollHeight'))
    await page.setViewportSize({ width, height })
    await page.evaluate('scrollTo(0, 0)')
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: resolve(folder, `${name}-${width}-${colorScheme}.png`) })
    }
  }
}
