import { afterAll, beforeAll, expect, test } from 'vitest'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  browserPathForNotices,
  describeInBrowserWithNotices,
  startBrowser,
  type TestBrowser,
} from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

/** Keeps the notifications that a page shows, which are the browser's own. */
const keepNotifications = `
  window.shown = []
  window.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options)
      shown.push(this)
    }
  }`

describeInBrowserWithNotices('the end of a job of mine', () => {
  let browser: TestBrowser
  let app: TestApp
  beforeAll(async () => {
    browser = await startBrowser(browserPathForNotices)
    app = await startApp()
    await registerFleet(app.client, 'dock', 1, () => ({ kind: 'offline' }))
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  const schedule = async (jobId: string, connectTimeoutInSeconds: number): Promise<void> => {
    const method = { methodName: 'reboot', connectTimeoutInSeconds }
    const input = { jobId, queryCondition: '*', cloudToDeviceMethod: method }
    expect(await app.client.execute(ScheduleMethod, { input })).toHaveProperty('scheduleDeviceMethod.job')
  }

  test('is shown on the desktop once that is turned on, when it fails as when it is cancelled, and leads to the job', async () => {
    for (const jobId of ['quiet', 'cancelled']) await schedule(jobId, 0)
    await schedule('of-others', 0)
    const { page } = await browser.open({ hub: app.addresses.http })
    await page.context().grantPermissions(['notifications'])
    await page.addInitScript({ content: keepNotifications })
    await page.goto('/console/devices')
    await page.evaluate(`sessionStorage.setItem('twincast-scheduled', '["quiet", "cancelled", "failed"]')`)
    await page.reload()
    await page.getByText('Live').waitFor()
    const shown = (): Promise<string[]> => page.evaluate('shown.map(({ title }) => title)')
    const notices = page.getByRole('region', { name: 'Ended jobs' })

    await app.client.execute(CancelJob, { input: { jobId: 'quiet' } })
    await notices.getByRole('link', { name: 'Job quiet was cancelled' }).waitFor()
    expect(await shown()).toEqual([])
    await notices.getByRole('button', { name: 'Show desktop notifications, too' }).click()
    await notices.getByRole('button', { name: 'Stop desktop notifications' }).waitFor()

    await app.client.execute(CancelJob, { input: { jobId: 'of-others' } })
    await app.client.execute(CancelJob, { input: { jobId: 'cancelled' } })
    await expect.poll(shown).toEqual([expect.stringMatching(/^Job cancelled was cancelled/)])
    await schedule('failed', 1)
    await expect.poll(shown).toEqual([expect.anything(), 'Job failed failed: 0 of 1 devices succeeded, 1 failed.'])
    await page.evaluate(`shown[1].dispatchEvent(new Event('click'))`)
    await page.getByRole('heading', { name: 'failed', level: 1 }).waitFor()

    // The choice is of the browser, not of the tab.
    await page.reload()
    await schedule('later', 0)
    await page.evaluate(`sessionStorage.setItem('twincast-scheduled', '["later"]')`)
    await page.reload()
    await page.getByText('Live').waitFor()
    await app.client.execute(CancelJob, { input: { jobId: 'later' } })
    await expect.poll(shown).toEqual([expect.stringMatching(/^Job later was cancelled/)])
  })
})
