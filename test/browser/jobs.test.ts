import type { WebSocketRoute } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { browserPath, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describe.skipIf(browserPath === undefined)('the list of jobs', () => {
  let browser: TestBrowser
  let app: TestApp
  beforeAll(async () => {
    browser = await startBrowser()
  })
  beforeEach(async () => {
    app = await startApp()
    await registerFleet(app.client, 'depot', 1, () => ({ kind: 'offline' }))
  })
  afterEach(() => app.close())
  afterAll(() => browser.close())

  const schedule = async (jobId: string, queryCondition: string): Promise<void> => {
    const input = { jobId, queryCondition, cloudToDeviceMethod: { methodName: 'reboot' } }
    const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, { input })
    expect(scheduleDeviceMethod).toEqual({ job: { jobId } })
  }

  test('shows that a job has ended while the connection was lost, although many newer jobs exist', async () => {
    await schedule('old', '*')
    // A subscription begins with the newest 100.
    await Promise.all(Array.from({ length: 101 }, (_, index) => schedule(`newer-${index}`, "deviceId = 'nobody'")))
    const { page } = await browser.open({ hub: app.addresses.http })
    let isCut = false
    const open = new Set<WebSocketRoute>()
    await page.routeWebSocket(/\/graphql$/, (socket) => {
      if (isCut) return void socket.close({ code: 1012 })
      socket.connectToServer()
      open.add(socket)
    })
    await page.goto('/console/jobs?status=running')
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'old', exact: true }) })
    const live = page.getByRole('status').getByText('Live')
    await row.getByText('Running').waitFor()
    await live.waitFor()

    isCut = true
    await Promise.all([...open].map((socket) => socket.close({ code: 1012 })))
    await page.getByRole('status').getByText('Reconnecting').waitFor()
    const { cancelJob } = await app.client.execute(CancelJob, { input: { jobId: 'old' } })
    expect(cancelJob).toEqual({ job: { status: 'CANCELLED' } })
    isCut = false
    await live.waitFor()
    await expect.poll(() => row.innerText(), { timeout: 10_000 }).toContain('Cancelled')
  }, 60_000)
})
