import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('a table', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage
  let page: Page
  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'depot', 4, () => ({ kind: 'offline' }))
    // In another order than that of their IDs.
    for (const jobId of ['beta', 'alpha', 'gamma']) await schedule(jobId)
    opened = await browser.open({ hub: app.addresses.http })
    page = opened.page
  })
  afterEach(() => {
    expect(opened.complaints()).toEqual([])
    expect(app.errors).toEqual([])
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  const schedule = async (jobId: string, queryCondition = '*'): Promise<void> => {
    const input = { jobId, queryCondition, cloudToDeviceMethod: { methodName: 'reboot' } }
    const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, { input })
    expect(scheduleDeviceMethod).toEqual({ job: { jobId } })
  }
  const cancel = async (jobId: string): Promise<void> => {
    await app.client.execute(CancelJob, { input: { jobId } })
  }
  const links = (table: string) => page.getByRole('table', { name: table }).getByRole('link')
  const head = (name: string) => page.getByRole('columnheader', { name })
  const sortBy = (name: string) => head(name).getByRole('button').click()
  const search = () => new URL(page.url()).search

  describe('is ordered by a click on the head of a column', () => {
    test('of jobs, in the order of the hub, which the address has; new jobs take their places in it', async () => {
      await page.goto('/console/jobs')
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['gamma', 'alpha', 'beta'])
      expect(await head('Scheduled').getAttribute('aria-sort')).toBe('descending')
      expect(await head('Status').getByRole('button').count()).toBe(0)

      await sortBy('Job')
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['alpha', 'beta', 'gamma'])
      expect(await head('Job').getAttribute('aria-sort')).toBe('ascending')
      expect(await head('Scheduled').getAttribute('aria-sort')).toBe('none')
      expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Job')
      expect(search()).toBe('?sort=id')
      await page.mouse.move(0, 0)
      await page.getByRole('heading', { name: 'Jobs' }).focus()
      await schedule('delta')
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['alpha', 'beta', 'delta', 'gamma'])

      await sortBy('Job')
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['gamma', 'delta', 'beta', 'alpha'])
      expect(search()).toBe('?sort=-id')
      await page.reload()
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['gamma', 'delta', 'beta', 'alpha'])
    })

    test('of jobs by their ends: one that ends stays in its row until the list is refreshed', async () => {
      await page.goto('/console/jobs')
      await sortBy('Ended')
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['gamma', 'delta', 'beta', 'alpha'])
      await page.getByText('Live').waitFor()
      await cancel('gamma')
      const refresh = page.getByRole('button', { name: '1 job has changed places. Refresh' })
      await refresh.waitFor()
      expect(await links('Jobs').allInnerTexts()).toEqual(['gamma', 'delta', 'beta', 'alpha'])
      await refresh.click()
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['delta', 'beta', 'alpha', 'gamma'])
      expect(await refresh.count()).toBe(0)
      await page.setViewportSize({ width: 390, height: 844 })
      await sortBy('Ended')
      await expect.poll(() => links('Jobs').allInnerTexts()).toEqual(['gamma', 'alpha', 'beta', 'delta'])
      await page.setViewportSize({ width: 1280, height: 800 })
    })

    test('of devices, and of the devices of a job', async () => {
      await page.goto('/console/devices')
      const ids = ['depot-0', 'depot-1', 'depot-2', 'depot-3']
      await expect.poll(() => links('Devices').allInnerTexts()).toEqual(ids)
      await sortBy('Device')
      await expect.poll(() => links('Devices').allInnerTexts()).toEqual([...ids].reverse())
      expect(search()).toBe('?sort=-id')

      await page.goto('/console/jobs/gamma')
      await expect.poll(() => links('Devices in this job').allInnerTexts()).toEqual(ids)
      await sortBy('Device')
      await expect.poll(() => links('Devices in this job').allInnerTexts()).toEqual([...ids].reverse())
      await sortBy('Finished')
      await expect.poll(() => head('Finished').getAttribute('aria-sort')).toBe('descending')
      expect(search()).toBe('?sort=-end')
    })
  })

  describe('has rows that can be selected', () => {
    const box = (name: string) => page.getByRole('checkbox', { name: `Select ${name}`, exact: true })
    const bar = () => page.getByRole('region', { name: 'Selection' })
    const dialog = () => page.getByRole('dialog')
    const listed = () => dialog().getByRole('listitem').allInnerTexts()

    test('one by one, as a range, all, and by a key', async () => {
      await page.goto('/console/jobs?sort=id')
      await box('alpha').check()
      await box('gamma').click({ modifiers: ['Shift'] })
      await bar().getByText('4 selected').waitFor()
      const all = page.getByRole('checkbox', { name: 'Select all 4 loaded rows' })
      expect(await all.isChecked()).toBe(true)
      await box('delta').uncheck()
      await bar().getByText('3 selected').waitFor()
      expect(await page.locator('input:indeterminate').count()).toBe(1)
      await all.click()
      await bar().getByText('4 selected').waitFor()
      expect(search()).toBe('?sort=id')
      await page.keyboard.press('j')
      await page.keyboard.press('x')
      await bar().getByText('3 selected').waitFor()
      // A telephone, whose navigation is at the bottom.
      await page.setViewportSize({ width: 390, height: 700 })
      await page.evaluate('scrollTo(0, 0)')
      const bottom = async (): Promise<number> => {
        const box = await bar().boundingBox()
        return (box?.y ?? 0) + (box?.height ?? 0)
      }
      const navigation = await page.getByRole('navigation', { name: 'Main' }).boundingBox()
      await expect.poll(bottom).toBeLessThanOrEqual(navigation?.y ?? 0)
      await bar().getByRole('button', { name: 'Clear selection' }).click()
      await page.setViewportSize({ width: 1280, height: 800 })
      await bar().waitFor({ state: 'detached' })
    })

    test('jobs: says before which cannot be cancelled, and after how each ended', async () => {
      await page.goto('/console/jobs?sort=id')
      for (const jobId of ['alpha', 'beta', 'gamma']) await box(jobId).check()
      await bar().getByRole('button', { name: 'Cancel jobs…' }).click()
      await dialog().getByText('2 of 3 selected jobs can be cancelled.').waitFor()
      expect(await listed()).toEqual(['alpha', 'beta', expect.stringMatching(/gamma\s+Left out. It has ended./)])
      await dialog().getByLabel('Reason').fill('wrong firmware')
      // Meanwhile somebody else cancels one of them.
      await cancel('beta')
      await dialog().getByRole('button', { name: 'Cancel 2 jobs' }).click()
      await dialog().getByText('1 of 2 jobs cancelled, 1 refused.').waitFor()
      expect(await listed()).toEqual([
        expect.stringMatching(/alpha\s+Cancelled/),
        expect.stringMatching(/beta\s+Refused. .+/),
        expect.stringMatching(/gamma\s+Left out/),
      ])
      await dialog().getByRole('button', { name: 'Close' }).last().click()
      const alpha = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'alpha', exact: true }) })
      await alpha.getByText('Cancelled').waitFor()
    })

    test('jobs: retries those that have something to retry, each as a new job', async () => {
      for (const jobId of ['alpha', 'gamma', 'delta']) await box(jobId).setChecked(true)
      await box('beta').setChecked(false)
      await bar().getByRole('button', { name: 'Retry…' }).click()
      const retry = dialog().getByRole('button', { name: /^Retry \d/ })
      expect(await retry.getAttribute('aria-disabled')).toBe('true')
      await dialog()
        .getByRole('radio', { name: /also cancelled ones/ })
        .check()
      expect(await retry.innerText()).toBe('Retry 2 jobs')
      await retry.click()
      await dialog().getByText('2 of 2 jobs retried.').waitFor()
      const [first = ''] = await dialog().getByRole('listitem').getByRole('link').allInnerTexts()
      await dialog().getByRole('listitem').getByRole('link').first().click()
      await page.getByRole('heading', { name: first, level: 1 }).waitFor()
      await page.getByText('Retry of').first().waitFor()
    })

    test('jobs: sends nothing more without an answer', async () => {
      await Promise.all(Array.from({ length: 6 }, (_, index) => schedule(`many-${index}`)))
      await page.goto('/console/jobs?id=many')
      await page.getByRole('checkbox', { name: 'Select all 6 loaded rows' }).check()
      await bar().getByRole('button', { name: 'Cancel jobs…' }).click()
      await page.route('**/graphql', (route) => route.abort())
      await dialog().getByRole('button', { name: 'Cancel 6 jobs' }).click()
      await dialog().getByText('0 of 6 jobs cancelled, 4 without an answer, 2 not sent.').waitFor()
      await page.unroute('**/graphql')
      opened.complaints()
      await page.keyboard.press('Escape')
      await dialog().waitFor({ state: 'detached' })
    })

    test('devices: a job is scheduled for them', async () => {
      await page.goto('/console/devices')
      await box('depot-1').check()
      await box('depot-3').check()
      await bar().getByRole('link', { name: 'Schedule for 2 devices' }).click()
      const condition = page.getByRole('textbox', { name: 'Condition' })
      await expect.poll(() => condition.innerText()).toBe("deviceId IN ['depot-1', 'depot-3']")

      await page.goto('/console/jobs/gamma')
      await box('depot-2').check()
      await bar().getByRole('link', { name: 'Schedule for 1 device' }).click()
      await expect.poll(() => condition.innerText()).toBe("deviceId IN ['depot-2']")
    })

    test('devices of a job: it is cancelled on those that wait, and goes on with the others', async () => {
      await schedule('some')
      await page.goto('/console/jobs/some')
      const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })
      for (const device of ['depot-0', 'depot-1']) await box(device).check()
      await bar().getByRole('button', { name: 'Cancel on 2 devices…' }).click()
      await dialog().getByRole('heading', { name: 'Cancel this job on 2 devices?' }).waitFor()
      await dialog().getByLabel('Reason').fill('in maintenance')
      await dialog().getByRole('button', { name: 'Cancel on 2 devices' }).click()
      await dialog().waitFor({ state: 'detached' })
      await bar().waitFor({ state: 'detached' })
      for (const device of ['depot-0', 'depot-1']) await row(device).getByText('Cancelled').waitFor()
      const history = page.getByRole('region', { name: 'History' })
      await history.getByText('on 2 devices').waitFor()
      await history.getByText('in maintenance').waitFor()
      await row('depot-2').getByText('Pending').waitFor()

      await box('depot-0').check()
      const button = page.getByRole('button', { name: /^Cancel on .+…$/ })
      expect(await button.innerText()).toBe('Cancel on 0 devices…')
      expect(await button.getAttribute('aria-disabled')).toBe('true')
      await box('depot-2').check()
      await expect.poll(() => button.innerText()).toBe('Cancel on 1 device…')
      await button.click()
      // Meanwhile somebody else cancels the whole job. The question stays, and the hub refuses the answer.
      await cancel('some')
      await button.waitFor({ state: 'detached' })
      await dialog().getByRole('button', { name: 'Cancel on 1 device' }).click()
      await dialog().getByRole('alert').getByText('is cancelled, and so are its waiting devices').waitFor()
      await dialog().getByRole('button', { name: 'Do not cancel' }).click()
      await dialog().waitFor({ state: 'detached' })
    })
  })
})
