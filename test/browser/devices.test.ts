import { readFile } from 'node:fs/promises'
import type { Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the list of devices', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage
  /** In the order of the list. */
  let ids: readonly string[] = []
  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    // More than a page, so that some are not read yet.
    const devices = await registerFleet(app.client, 'depot', 60, () => ({ kind: 'silent' }))
    ids = devices.map(({ deviceId }) => deviceId).sort()
    opened = await browser.open({ hub: app.addresses.http })
  })
  afterEach(() => {
    expect(opened.complaints()).toEqual([])
    expect(app.errors).toEqual([])
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  /** Deletes a device as somebody else would. */
  const deleteDevice = async (deviceId: string): Promise<void> => {
    const query = 'mutation ($input: DeleteDeviceInput!) { deleteDevice(input: $input) { __typename } }'
    const response = await fetch(app.addresses.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { input: { deviceId, ifMatch: '*' } } }),
    })
    expect(await response.json()).toEqual({ data: { deleteDevice: { __typename: 'DeleteDevicePayload' } } })
    ids = ids.filter((id) => id !== deviceId)
  }
  const row = (deviceId: string) => opened.page.getByRole('table').getByRole('link', { name: deviceId, exact: true })

  test('asks before the page of a device is left with a call that was typed but not made', async () => {
    const { page } = opened
    const [deviceId = ''] = ids
    await page.goto(`/console/devices/${deviceId}`)
    const panel = page.getByRole('region', { name: 'Call a method' })
    const method = panel.getByLabel('Method', { exact: true })
    await method.fill('reboot')
    await panel.getByRole('textbox', { name: 'Payload' }).fill('{ "delay": 5 }')
    const question = page.getByRole('dialog', { name: 'Discard your changes?' })
    const jobs = page.getByRole('navigation').getByRole('link', { name: 'Jobs' })
    await jobs.click()
    await question.getByRole('button', { name: 'Keep editing' }).click()
    await question.waitFor({ state: 'detached' })
    expect(await method.inputValue()).toBe('reboot')
    page.once('dialog', (native) => void native.dismiss())
    const [native] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })])
    expect(native.type()).toBe('beforeunload')

    // A call that was made is not lost.
    await panel.getByLabel('Connection timeout (s)').fill('0')
    await panel.getByRole('button', { name: 'Call' }).click()
    await panel.getByText('The method did not run.').waitFor()
    await jobs.click()
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await page.goBack()
    await method.fill('identify')
    await jobs.click()
    await question.getByRole('button', { name: 'Discard changes' }).click()
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
  })

  test('asks before a dialog discards what was typed, however it is closed', async () => {
    const { page } = opened
    await page.goto('/console/devices')
    const dialog = page.getByRole('dialog').first()
    const question = page.getByRole('dialog', { name: 'Discard your changes?' })
    for (const [button, label] of [
      ['Register device…', 'Device ID'],
      ['Columns…', 'Column 1'],
    ] as const) {
      await page.getByRole('button', { name: button }).click()
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })

      await page.getByRole('button', { name: button }).click()
      const field = dialog.getByLabel(label)
      await field.fill('tags.site')
      await page.keyboard.press('Escape')
      await question.getByRole('button', { name: 'Keep editing' }).click()
      await question.waitFor({ state: 'detached' })
      expect(await field.inputValue()).toBe('tags.site')
      await dialog.getByRole('button', { name: 'Close' }).click()
      await question.getByRole('button', { name: 'Discard changes' }).click()
      await dialog.waitFor({ state: 'detached' })
    }
  })

  test('exports all devices that match, more than one page of them', async () => {
    const { page } = opened
    await page.goto('/console/devices?id=depot-&columns=tags.fleet')
    await row('depot-0').waitFor()
    // A file of the browser's own stands in for one that a person selects.
    const script = (picker: string): string =>
      `Object.defineProperty(window, 'showSaveFilePicker', { value: ${picker} })`
    const dialog = page.getByRole('dialog', { name: 'Export' })
    await page.evaluate(
      script("async () => (await navigator.storage.getDirectory()).getFileHandle('x', { create: true })"),
    )
    await page.getByRole('button', { name: 'Export…' }).click()
    await dialog.getByRole('button', { name: 'Save as JSON lines' }).click()
    await dialog.getByText('60 rows saved.').waitFor()
    const text = await page.evaluate<string>('(async () => (await (await showSaveFilePicker()).getFile()).text())()')
    const lines = text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).deviceId)).toEqual(ids)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ status: 'ENABLED', 'tags.fleet': 'depot' })

    // Other browsers download the file.
    await page.reload()
    await row('depot-0').waitFor()
    await page.evaluate(script('undefined'))
    await page.getByRole('button', { name: 'Export…' }).click()
    await dialog.getByText('at most 100,000,000 characters').waitFor()
    // The second page gets no answer. The export waits, and continues after the rows that it has.
    let requests = 0
    await page.route('**/graphql', (route) =>
      route.request().postData()?.includes('DevicesExport') && ++requests === 2 ? route.abort() : route.continue(),
    )
    await dialog.getByRole('button', { name: 'Save as CSV' }).click()
    await dialog.getByText('50 of 60 rows read').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Continue' }).click(),
    ])
    await dialog.getByText('60 rows saved.').waitFor()
    await page.unroute('**/graphql')
    opened.complaints()
    expect(download.suggestedFilename()).toMatch(/^devices-\d{4}-\d\d-\d\d\.csv$/)
    // The byte order mark is for Excel.
    const [head = '', ...records] = (await readFile(await download.path(), 'utf8')).split('\r\n')
    expect(head).toBe('\uFEFFdeviceId,connectionState,status,statusReason,lastActivityTime,tags.fleet')
    expect(records.map((record) => record.split(',')[0])).toEqual([...ids, ''])
  })

  test('offers no job for devices that do not exist', async () => {
    const { page } = opened
    await page.goto('/console/devices?id=none')
    const schedule = page.getByRole('button', { name: 'Schedule for these devices' })
    await schedule.waitFor()
    expect(await schedule.getAttribute('aria-disabled')).toBe('true')
  })

  test('says why there is nothing to export or to schedule a job for', async () => {
    const { page } = opened
    const reasons = page.locator('main [role="tooltip"]')
    for (const [search, why] of [
      ['condition=tags.', 'The condition has an error.'],
      ['id=none', 'There are no devices in the list.'],
    ]) {
      await page.goto(`/console/devices?${search}`)
      await expect.poll(() => reasons.allTextContents()).toEqual([why, why])
    }
  })

  test('a device that is deleted while the next page is read does not come back with it', async () => {
    const { page } = opened
    await page.goto('/console/devices')
    await row(ids[0] ?? '').waitFor()
    const isNextPage = (request: Request): boolean => typeof request.postDataJSON()?.variables?.after === 'string'
    let readOn = (): void => {}
    const isDeleted = new Promise<void>((resolve) => {
      readOn = resolve
    })
    await page.route('**/graphql', async (route) => {
      if (isNextPage(route.request())) await isDeleted
      await route.continue()
    })
    const toEnd = () => page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
    const reading = page.waitForRequest(isNextPage)
    await toEnd()
    await reading
    // On the page that has been read, near its end.
    const deleted = ids[48] ?? ''
    await row(deleted).waitFor()
    await deleteDevice(deleted)
    await row(deleted).waitFor({ state: 'detached' })
    readOn()
    await page.getByText('No more devices.').waitFor()
    await toEnd()
    await row(ids.at(-1) ?? '').waitFor()
    // The rows around its place are drawn.
    await row(ids[48] ?? '').waitFor()
    expect(await row(deleted).count()).toBe(0)
    await page.getByText(`${ids.length} devices`, { exact: true }).waitFor()
    await page.unroute('**/graphql')
  })

  test('drops those that somebody else deletes, and goes on when none of those it has read is left', async () => {
    const { page } = opened
    // The address may be that of the test before: a reload would restore its scroll position.
    await page.goto('about:blank')
    await page.goto('/console/devices')
    const [first = ''] = ids
    await row(first).waitFor()
    const count = () => page.getByText(`${ids.length} devices`, { exact: true })
    await count().waitFor()
    await deleteDevice(first)
    await row(first).waitFor({ state: 'detached' })
    await count().waitFor()
    await Promise.all(ids.slice(0, -1).reverse().map(deleteDevice))
    await page.getByText('1 device', { exact: true }).waitFor()
    await row(ids[0] ?? '').waitFor()
  })
})
