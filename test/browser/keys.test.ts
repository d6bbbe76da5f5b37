import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the keyboard', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'yard', 120, () => ({ kind: 'offline' }))
    for (const jobId of ['first', 'second', 'third']) {
      const input = { jobId, queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }
      expect(await app.client.execute(ScheduleMethod, { input })).toMatchObject({
        scheduleDeviceMethod: { job: { jobId } },
      })
    }
  })
  afterEach(() => expect(opened.complaints()).toEqual([]))
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  const open = async (path: string): Promise<Page> => {
    opened = await browser.open({ hub: app.addresses.http })
    await opened.page.goto(path)
    return opened.page
  }
  const link = (page: Page, name: string): Locator => page.getByRole('table').getByRole('link', { name, exact: true })
  const focused = (page: Page): Promise<string> => page.evaluate('document.activeElement.textContent')

  test('j and k go through the rows of Jobs, Enter opens one, and its devices have rows, too', async () => {
    const page = await open('/console/jobs')
    await link(page, 'third').waitFor()
    await page.keyboard.press('j')
    expect(await focused(page)).toBe('third')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    expect(await focused(page)).toBe('first')
    await page.keyboard.press('j')
    expect(await focused(page)).toBe('first')
    await page.keyboard.press('k')
    expect(await focused(page)).toBe('second')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'second', level: 1 }).waitFor()

    await link(page, 'yard-0').waitFor()
    await page.keyboard.press('j')
    expect(await focused(page)).toContain('time line of yard-0')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'yard-0' }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused(page)).toContain('time line of yard-0')
  })

  test('j goes on through rows that are read only when they come into view', async () => {
    const page = await open('/console/devices')
    await link(page, 'yard-0').waitFor()
    const seen = new Set<string>()
    while (seen.size <= 60) {
      await page.keyboard.press('j')
      seen.add(await focused(page))
    }
    const all = Array.from({ length: 120 }, (_, index) => `yard-${index}`).sort()
    expect([...seen]).toEqual(all.slice(0, seen.size))
    // What says that rows are loading does not move below the rows.
    await page.reload()
    await link(page, 'yard-0').waitFor()
    expect(await page.evaluate<number>('layoutShift')).toBeLessThan(0.05)
  })

  test('/ leads to the filter of each list, which takes all keys, and Escape leads back to the rows', async () => {
    const page = await open('/console/jobs')
    await link(page, 'third').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('first j ?')
    const search = page.getByRole('searchbox', { name: 'Search ID, name, method' })
    expect(await search.inputValue()).toBe('first j ?')
    expect(await search.getAttribute('aria-keyshortcuts')).toBe('/')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.keyboard.press('/')
    await page.keyboard.type('first')
    await link(page, 'third').waitFor({ state: 'detached' })
    await link(page, 'first').waitFor()
    await page.keyboard.press('Escape')
    expect(await search.inputValue()).toBe('first')
    await page.keyboard.press('j')
    expect(await focused(page)).toBe('first')

    for (const [keys, field] of [
      ['gd', page.getByRole('searchbox', { name: 'Device ID starts with' })],
      ['ga', page.getByRole('searchbox', { name: 'Actor, exact name' })],
      ['gs', page.getByRole('textbox', { name: 'Condition' })],
    ] as const) {
      await page.keyboard.type(keys)
      await field.waitFor()
      await page.keyboard.press('/')
      await expect.poll(() => field.and(page.locator(':focus')).count()).toBe(1)
      await page.keyboard.type('gj')
      await page.keyboard.press('Escape')
      // Of suggestions, which the first Escape closes.
      await page.keyboard.press('Escape')
      expect(await field.and(page.locator(':focus')).count()).toBe(0)
    }
    await page.keyboard.type('gj')
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    // With a modifier it belongs to the browser or to the system.
    await page.keyboard.type('g')
    await page.keyboard.press('Alt+d')
    await page.keyboard.press('Control+j')
    expect(new URL(page.url()).pathname).toBe('/console/jobs')
  })

  test('? lists the keys that do something on the page, and can turn off those of one character', async () => {
    const page = await open('/console/jobs')
    await link(page, 'third').waitFor()
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    const keys = dialog.getByRole('definition')
    expect(await keys.allInnerTexts()).toEqual([
      'Find a page, job, device or action',
      'Show the keys of this page',
      'Close a dialog, or leave a field or row',
      'Go to Jobs',
      'Go to Schedule',
      'Go to Devices',
      'Go to Audit',
      'Go to Webhooks',
      'Go to the filter or condition',
      'Go to the next row',
      'Go to the previous row',
      'Open the row',
      'Select the row',
    ])
    await page.keyboard.press('Escape')
    await page.keyboard.type('gs')
    await page.getByRole('heading', { name: '4. Review' }).waitFor()
    await page.keyboard.press('?')
    const onSchedule = await keys.allInnerTexts()
    expect(onSchedule).toContain('Review the job')
    expect(onSchedule).toContain('Show suggestions for a condition')
    expect(onSchedule).not.toContain('Go to the next row')

    await dialog.getByRole('checkbox', { name: /single characters/ }).uncheck()
    expect(await keys.allInnerTexts()).toEqual([
      'Find a page, job, device or action',
      'Close a dialog, or leave a field or row',
      'Show suggestions for a condition',
      'Review the job',
    ])
    await page.keyboard.press('Escape')
    await page.reload()
    await page.getByRole('heading', { name: '4. Review' }).waitFor()
    await page.keyboard.type('?gj/')
    expect(new URL(page.url()).pathname).toBe('/console/schedule')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.locator('[contenteditable]:focus').count()).toBe(0)
    const condition = page.getByRole('textbox', { name: 'Condition' })
    expect(await condition.getAttribute('aria-keyshortcuts')).toBeNull()
    const review = page.getByRole('button', { name: 'Review', exact: true }).first()
    expect(await review.getAttribute('aria-keyshortcuts')).toBe('Control+Enter Meta+Enter')
    const button = page.getByRole('button', { name: 'Keyboard shortcuts' })
    expect(await button.getAttribute('aria-keyshortcuts')).toBeNull()
    await button.click()
    await dialog.getByRole('checkbox', { name: /single characters/ }).check()
    await page.keyboard.press('Escape')
    expect(await button.getAttribute('aria-keyshortcuts')).toBe('?')
    expect(await condition.getAttribute('aria-keyshortcuts')).toBe('/')
    await page.keyboard.type('gj')
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
  })
})
