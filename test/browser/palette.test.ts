import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the palette and saved views', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'yard', 3, () => ({ kind: 'offline' }))
    for (const jobId of ['night', 'night-2', 'day']) {
      const input = { jobId, queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }
      await app.client.execute(ScheduleMethod, { input })
    }
    opened = await browser.open({ hub: app.addresses.http })
    page = opened.page
    await page.goto('/console/jobs')
    await page.getByRole('link', { name: 'day' }).waitFor()
  })
  afterAll(async () => {
    expect(opened.complaints()).toEqual([])
    await browser.close()
    await app.close()
  })

  const field = (): Locator => page.getByRole('combobox', { name: 'Page, job, device or action' })
  const option = (name: string): Locator => page.getByRole('option', { name })
  const active = async (): Promise<string> => {
    const id = await field().getAttribute('aria-activedescendant')
    return id === null ? '' : page.locator(`[id="${id}"]`).innerText()
  }
  const find = async (text: string): Promise<void> => {
    await page.keyboard.press('Control+k')
    await field().and(page.locator(':focus')).waitFor()
    await page.keyboard.type(text)
  }
  const heading = (name: string): Promise<void> => page.getByRole('heading', { name, level: 1 }).waitFor()

  test('goes to a page, from a field too, and leaves the focus where it was when it is closed', async () => {
    await page.getByRole('searchbox', { name: 'Search ID, name, method' }).focus()
    await find('dev')
    await expect.poll(active).toContain('Devices')
    expect(await option('Devices').getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('Escape')
    await field().waitFor({ state: 'detached' })
    expect(await page.locator('[type="search"]:focus').count()).toBe(1)
    await find('dev')
    await page.keyboard.press('Enter')
    await heading('Devices')
  })

  test('goes to a job: exactly its ID comes first, and arrow keys choose another', async () => {
    await find('night')
    await option('night-2').waitFor()
    await expect.poll(active).toMatch(/^night\s+Running · reboot$/)
    await page.keyboard.press('ArrowDown')
    await expect.poll(active).toMatch(/^night-2/)
    await page.keyboard.press('ArrowDown')
    await expect.poll(active).toMatch(/^night\s/)
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await heading('night-2')
  })

  test('goes to a device, even if Enter is pressed before the hub has answered', async () => {
    await find('yard-1')
    await page.keyboard.press('Enter')
    await heading('yard-1')
  })

  test('carries out actions of the page, and gives the focus to their buttons', async () => {
    await page.getByRole('button', { name: 'Disable…', disabled: false }).waitFor()
    await find('disable')
    await expect.poll(active).toMatch(/Disable…/)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Disable this device?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Disable…')
    await find('no such thing')
    await page.getByText('Nothing found.').waitFor()
    await page.keyboard.press('Escape')
  })

  test('shows actions as they come and go, and carries out none in the place of one that is gone', async () => {
    await page.goto('/console/jobs/day')
    await page.getByRole('button', { name: 'Cancel job…' }).waitFor()
    await find('')
    await option('Cancel job…').waitFor()
    while (!(await active()).startsWith('Cancel job…')) await page.keyboard.press('ArrowDown')
    await app.client.execute(CancelJob, { input: { jobId: 'day' } })
    await option('Retry…').waitFor()
    expect(await option('Cancel job…').count()).toBe(0)
    expect(await active()).toBe('')
    await page.keyboard.press('Enter')
    expect(await field().count()).toBe(1)
    await page.keyboard.type('retry')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Retry this job' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('a view keeps filters and order under a name, which the list and the palette show', async () => {
    await page.goto('/console/jobs?status=running&sort=id&theme=x')
    const dialog = page.getByRole('dialog', { name: 'Saved views' })
    const links = page.getByRole('navigation', { name: 'Saved views' }).getByRole('link')
    await page.getByRole('button', { name: 'Views…' }).click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByRole('alert').getByText('Enter a name.').waitFor()
    await dialog.getByLabel('Save the present view as').fill(' Under way ')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByRole('link', { name: 'Under way' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await links.allInnerTexts()).toEqual(['Under way'])
    expect(await links.getAttribute('aria-current')).toBe('true')

    await page.goto('/console/devices')
    await heading('Devices')
    await find('under')
    await option('Under way').click()
    await heading('Jobs')
    expect(new URL(page.url()).search).toBe('?status=running&sort=id')

    await page.getByRole('button', { name: 'Views…' }).click()
    await dialog.getByRole('button', { name: 'Rename Under way' }).click()
    await page.keyboard.type('Now')
    await page.keyboard.press('Enter')
    await dialog.getByRole('link', { name: 'Now' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => links.allInnerTexts()).toEqual(['Now'])

    await page.reload()
    await links.waitFor()
    await page.getByRole('button', { name: 'Views…' }).click()
    await dialog.getByRole('button', { name: 'Delete Now' }).click()
    await page.keyboard.press('Escape')
    await links.waitFor({ state: 'detached' })
  })

  test('a storage with other content has no views', async () => {
    await page.evaluate(
      `localStorage.setItem('twincast-views', '[{"page":"jobs"},{"page":"jobs","name":"A","search":"id=day"}]')`,
    )
    await page.reload()
    await page.getByRole('navigation', { name: 'Saved views' }).getByRole('link', { name: 'A' }).click()
    await page.getByRole('link', { name: 'night', exact: true }).waitFor({ state: 'detached' })
    await page.evaluate(`localStorage.setItem('twincast-views', '{')`)
    await page.reload()
    await page.getByRole('link', { name: 'day' }).waitFor()
    expect(await page.getByRole('navigation', { name: 'Saved views' }).count()).toBe(0)
  })
})
