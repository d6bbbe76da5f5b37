import type { TestBrowser } from '../../test/support/browser.ts'
import type { MeasuredHub } from './measured-hub.ts'
import { lookFor, seenOn, shows } from './sights.ts'

/** Milliseconds from the readiness of a hub that was restarted until an open page is live again. */
export async function measureRestart(browser: TestBrowser, hub: MeasuredHub): Promise<number> {
  const { page } = await browser.open({ hub: hub.http })
  try {
    await page.goto('/console/jobs')
    const status = page.getByRole('status')
    await status.getByText('Live').waitFor()
    await hub.stop()
    await status.getByText('Reconnecting').waitFor()
    await lookFor(page, { live: shows('[role="status"]', /^Live$/) })
    await hub.start()
    const ready = Date.now()
    const { live = Number.NaN } = await seenOn(page)
    return live - ready
  } finally {
    await page.context().close()
  }
}
