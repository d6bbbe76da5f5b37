import type { Page, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { browserPath, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describe.skipIf(browserPath === undefined)('the list of jobs', () => {
  let browser: TestBrowser
  let app: TestApp
  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'depot', 1, () => ({ kind: 'offline' }))
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

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
    const connection = await routeConnection(page)
    await page.goto('/console/jobs?status=running')
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'old', exact: true }) })
    const live = page.getByRole('status').getByText('Live')
    await row.getByText('Running').waitFor()
    await live.waitFor()

    await connection.cut()
    await page.getByRole('status').getByText('Reconnecting').waitFor()
    const { cancelJob } = await app.client.execute(CancelJob, { input: { jobId: 'old' } })
    expect(cancelJob).toEqual({ job: { status: 'CANCELLED' } })
    connection.restore()
    await live.waitFor()
    await expect.poll(() => row.innerText(), { timeout: 10_000 }).toContain('Cancelled')
  }, 60_000)

  test('needs no file that its page does not name, and less than 175 KB before its first row', async () => {
    await schedule('first', "deviceId = 'nobody'")
    const { page } = await browser.open({ hub: app.addresses.http })
    const html = await (await fetch(`${app.addresses.http}/console/jobs`)).text()
    const files = [...html.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
    await page.route('**/console/assets/*', (route) =>
      files.includes(new URL(route.request().url()).pathname) ? route.continue() : route.abort(),
    )
    await page.goto('/console/jobs')
    await page.getByRole('link', { name: 'first', exact: true }).waitFor()
    const sizes = files.map(async (path) => {
      const { headers } = await fetch(app.addresses.http + path, { headers: { 'accept-encoding': 'br' } })
      return Number(headers.get('content-length'))
    })
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(files.length).toBeLessThanOrEqual(14)
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(175_000)
  })

  test('says since when the hub is out of reach, and offers nothing that needs it until it is back', async () => {
    await schedule('long', '*')
    const { page } = await browser.open({ hub: app.addresses.http })
    const connection = await routeConnection(page)
    await page.goto('/console/jobs/long')
    await page.getByRole('button', { name: 'Cancel job…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel this job?' })
    const reason = dialog.getByLabel('Reason')
    const confirm = dialog.getByRole('button', { name: 'Cancel job' })
    await page.getByText('Live').waitFor()
    await confirm.focus()

    await connection.cut()
    await page.getByText(/^Connection lost at \d\d:\d\d:\d\d\. Showing the last known state\.$/).waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel job')
    const why = confirm.locator('xpath=..').getByRole('tooltip')
    expect(await confirm.getAttribute('aria-disabled')).toBe('true')
    expect(await why.innerText()).toContain('while the hub cannot be reached')
    // The requests would get through.
    await reason.press('Enter')
    await dialog.getByRole('button', { name: 'Keep running' }).click()
    for (const name of ['Cancel job…', 'Schedule again']) {
      expect(await page.getByRole('button', { name }).getAttribute('aria-disabled')).toBe('true')
    }

    connection.restore()
    await page.getByRole('link', { name: 'Schedule again' }).waitFor()
    expect(await page.getByText('Connection lost').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Cancel job…' }).getAttribute('aria-disabled')).toBeNull()
    await page.getByRole('region', { name: 'Progress', exact: true }).getByText('0 of 1 devices').waitFor()
    expect(await page.getByRole('region', { name: 'History' }).getByText('Cancelled').count()).toBe(0)
  })
})

/** The live connection of a page, which can be cut. */
async function routeConnection(page: Page): Promise<{ cut(): Promise<void>; restore(): void }> {
  let isCut = false
  const open = new Set<WebSocketRoute>()
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    if (isCut) return void socket.close({ code: 1012 })
    socket.connectToServer()
    open.add(socket)
  })
  return {
    async cut() {
      isCut = true
      await Promise.all([...open].map((socket) => socket.close({ code: 1012 })))
      open.clear()
    },
    restore() {
      isCut = false
    },
  }
}
