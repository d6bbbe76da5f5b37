import { readFile } from 'node:fs/promises'
import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { ScheduleTwin } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

const answer = { kind: 'answer', payload: { rebooted: true } } as const
const busy = { kind: 'refuse', status: 409, payload: { reason: 'busy' } } as const
const away = { kind: 'offline', answering: answer } as const
const behaviours: readonly Behaviour[] = [answer, answer, answer, busy, busy, { kind: 'silent' }, away, away]

/** What an operator does with the console, in one go: each test goes on where the one before left off. */
describeInBrowser('an operator', () => {
  let browser: TestBrowser
  let app: TestApp
  let fleet: Fleet
  /** Where the operator works, and a list of jobs that hangs on the wall: nobody touches it. */
  let desk: OpenPage
  let wall: OpenPage
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    const devices = await registerFleet(
      app.client,
      'depot',
      behaviours.length,
      (index) => behaviours[index] ?? { kind: 'silent' },
    )
    fleet = createFleet({
      host: '127.0.0.1',
      port: app.mqttPort,
      hubName: 'localhost',
      devices,
      readTwin: true,
      reportBack: ['interval'],
    })
    await fleet.connect()
    desk = await browser.open({ hub: app.addresses.http })
    wall = await browser.open({ hub: app.addresses.http })
    page = desk.page
  })
  afterEach(() => {
    expect([...desk.complaints(), ...wall.complaints()]).toEqual([])
    expect(app.errors).toEqual([])
  })
  afterAll(async () => {
    await browser.close()
    await fleet.close()
    await app.close()
  })

  const region = (name: string): Locator => page.getByRole('region', { name })
  const reviewButton = (): Locator => region('4. Review').getByRole('button', { name: 'Review', exact: true })
  const rowsOf = (table: string): Locator => page.getByRole('table', { name: table }).getByRole('row')

  /** The counters of the job on the page, such as `{ succeeded: 3 }`; those at zero left out. */
  const counters = async (): Promise<Record<string, number>> => {
    const texts = await region('Progress').getByRole('listitem').allInnerTexts()
    const found = texts.flatMap((text) => {
      const [, word = '', count = ''] = /^(\w+)\s+(\d+)$/.exec(text.trim()) ?? []
      return Number(count) > 0 ? [[word.toLowerCase(), Number(count)]] : []
    })
    return Object.fromEntries(found)
  }

  test('opens a hub without jobs, and reads what a job is', async () => {
    for (const opened of [desk, wall]) {
      await opened.page.goto('/')
      await opened.page.getByRole('heading', { name: 'No jobs yet' }).waitFor()
    }
    await page.getByRole('link', { name: 'Schedule your first job' }).click()
    await page.getByRole('heading', { name: 'Schedule a job', level: 1 }).waitFor()
    // Gone if a page is ever loaded again.
    for (const opened of [desk, wall]) await opened.page.evaluate('window.isStill = true')
    expect(new URL(page.url()).pathname).toBe('/console/schedule')
  })

  test('selects devices: a fault is shown where it is, and fixed with what the editor suggests', async () => {
    const condition = page.getByRole('textbox', { name: 'Condition' })
    await condition.fill("tags.fleet ? 'depot'")
    await region('1. Devices')
      .getByText(/Column 12/)
      .waitFor()
    await expect
      .poll(async () => {
        await condition.press('F8')
        return page.evaluate('String(getSelection())')
      })
      .toBe('?')
    await page.keyboard.press('Delete')
    await page.keyboard.press('Control+Space')
    await page.getByRole('option', { name: '=', exact: true }).click()
    await region('1. Devices').getByRole('status').getByText('8 devices').waitFor()
    await page.getByText('6 connected').first().waitFor()
    await condition.fill('')
    await condition.pressSequentially('tags.fl')
    await page.getByRole('option', { name: /^tags.fleet/ }).click()
    await condition.pressSequentially(' = ')
    await page.getByRole('option', { name: "'depot'" }).click()
    expect(await condition.innerText()).toBe("tags.fleet = 'depot'")
  })

  test('enters the operation: invalid JSON is reported at its field', async () => {
    await page.getByRole('radio', { name: 'Call a direct method' }).check()
    await page.getByLabel('Method', { exact: true }).fill('reboot')
    const payload = page.getByRole('textbox', { name: 'Payload' })
    await payload.fill('{ "delay": }')
    await page.getByLabel('Response timeout (s)').fill('5')
    await page.getByLabel('Job ID').fill('first')
    await reviewButton().click()
    await expect.poll(() => payload.getAttribute('aria-invalid')).toBe('true')
    await payload.fill('{ "delay": 5 }')
  })

  test('reviews the impact, schedules the job and is led to it', async () => {
    await reviewButton().click()
    const review = region('4. Review')
    await review.getByText('Calls reboot on 8 devices (6 connected) now, for up to 1 h.').waitFor()
    await review.getByRole('button', { name: 'Schedule on 8 devices' }).click()
    await page.getByRole('heading', { name: 'first', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/console/jobs/first')
  })

  test('watches the job to its end: who is there is called at once, who comes is called then', async () => {
    await expect.poll(counters).toEqual({ succeeded: 3, refused: 2, running: 1, pending: 2 })
    expect(await page.title()).toBe('62% · first · Twincast')
    await fleet.connect({ deviceIds: ['depot-6'] })
    await expect.poll(counters).toMatchObject({ succeeded: 4, pending: 1 })
    await fleet.connect({ deviceIds: ['depot-7'] })
    await expect.poll(counters).toEqual({ succeeded: 5, refused: 2, failed: 1 })
    await page.getByText('Partly failed').first().waitFor()
    await region('History').getByText('Completed').waitFor()
    await region('Progress over time')
      .getByRole('img', { name: /Progress chart/ })
      .waitFor()
  })

  test('sees why devices failed, and which', async () => {
    const groups = region('Failures by cause').getByRole('row')
    await expect.poll(() => groups.count()).toBe(3)
    const example = groups.filter({ hasText: 'GatewayTimeout' }).getByRole('link', { name: 'depot-5' })
    expect((await example.boundingBox())?.height).toBeGreaterThanOrEqual(24)
    expect(await page.title()).toBe('first · Twincast')
    await page.getByRole('button', { name: 'View devices: Status 409' }).click()
    await expect
      .poll(() => rowsOf('Devices in this job').getByRole('link').allInnerTexts())
      .toEqual(['depot-3', 'depot-4'])
    await page.getByRole('button', { name: /show the full response from depot-3/ }).click()
    await page.getByRole('dialog', { name: 'depot-3 in this job' }).getByText('busy').waitFor()
    const steps = page.getByRole('list', { name: 'Time line' }).getByRole('listitem')
    const texts = await steps.allInnerTexts()
    expect(texts.map((text) => /^\w+/.exec(text)?.[0])).toEqual(['Selected', 'Sent', 'Answered'])
    expect(texts[2]).toMatch(/after [\d.]+ s$/)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    // A link to these devices opens at them.
    const { page: other } = await browser.open({ hub: app.addresses.http })
    await other.goto(page.url())
    const table = other.getByRole('table', { name: 'Devices in this job' })
    await table.getByRole('link', { name: 'depot-3' }).waitFor()
    await expect.poll(async () => (await table.boundingBox())?.y ?? 9_999).toBeLessThan(500)
    expect(await table.getByRole('columnheader').allInnerTexts()).not.toContain('Error')
    await other.close()
  })

  test('retries the job for those devices, which answer now', async () => {
    for (const deviceId of ['depot-3', 'depot-4']) fleet.answerWith(deviceId, answer)
    await page.getByRole('button', { name: 'Retry: Status 409' }).click()
    const dialog = page.getByRole('dialog', { name: 'Retry this job' })
    await dialog.getByLabel('New job ID').fill('second')
    await dialog.getByLabel('Reason').fill('the lorries have left')
    await dialog.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByRole('heading', { name: 'second', level: 1 }).waitFor()
    await expect.poll(counters).toEqual({ succeeded: 2 })
    await region('History').getByText('the lorries have left').waitFor()
    await region('Job details').getByText('2 devices of first that answered 409').waitFor()
    const family = region('Retries')
    await family.getByText('7 of 8 devices succeeded after 2 rounds').waitFor()
    await family.getByRole('link', { name: 'first' }).waitFor()
  })

  test('has both jobs on the list that hangs on the wall', async () => {
    const rows = wall.page.getByRole('table', { name: 'Jobs' }).getByRole('row')
    await expect
      .poll(() => rows.allInnerTexts())
      .toEqual([
        expect.any(String),
        expect.stringMatching(/second.*2 of 2/s),
        expect.stringMatching(/first.*8 of 8 · 2 refused · 1 failed/s),
      ])
  })

  test('finds a job by what its badge says', async () => {
    const rows = wall.page.getByRole('table', { name: 'Jobs' }).getByRole('link')
    const outcomes = wall.page.getByRole('group', { name: 'Outcome' })
    await outcomes.getByRole('button', { name: 'Partly failed' }).click()
    await expect.poll(() => rows.allInnerTexts()).toEqual(['first'])
    await outcomes.getByRole('button', { name: 'Succeeded' }).click()
    await expect.poll(() => rows.allInnerTexts()).toEqual(['second', 'first'])
    await wall.page.getByRole('button', { name: 'Clear' }).click()
  })

  test('schedules the same for later, thinks better of it, and finds in the history who did what, and why', async () => {
    await page.getByRole('link', { name: 'Schedule again' }).click()
    await page.getByText('Copied from job second.').waitFor()
    await page.getByRole('radio', { name: 'Later' }).check()
    await page.getByLabel('Start', { exact: true }).fill('2100-01-01T12:00')
    await page.getByLabel('Job ID').fill('tonight')
    await reviewButton().click()
    await page.getByRole('alert').getByText('30 days').waitFor()
    await page.getByLabel('Start', { exact: true }).fill(tomorrow())
    await reviewButton().click()
    await page.getByRole('button', { name: 'Schedule on 8 devices' }).click()
    await page.getByRole('heading', { name: 'tonight', level: 1 }).waitFor()
    await page.getByText('Scheduled', { exact: true }).first().waitFor()

    await page.getByRole('button', { name: 'Cancel job…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel this job?' })
    await dialog.getByText('No devices will be changed.').waitFor()
    await dialog.getByLabel('Reason').fill('there is a feast')
    await dialog.getByRole('button', { name: 'Cancel job' }).click()
    const events = region('History').getByRole('listitem')
    await expect.poll(() => events.count()).toBe(2)
    expect(await events.nth(0).innerText()).toMatch(/^Scheduled by iothubowner/)
    expect(await events.nth(1).innerText()).toMatch(/^Cancelled by iothubowner.*“there is a feast”/s)
    expect(fleet.ledger.entries.length).toBe(10)
  })

  test('finds a device, and sees it go', async () => {
    await page.getByRole('link', { name: 'Devices', exact: true }).click()
    await page.getByText('8 devices').waitFor()
    await page.getByRole('textbox', { name: 'Condition' }).fill("tags.fleet = 'depot' AND deviceId < 'depot-2'")
    await page.keyboard.press('Enter')
    const rows = rowsOf('Devices')
    await expect.poll(() => rows.getByRole('link').allInnerTexts()).toEqual(['depot-0', 'depot-1'])
    await rows.filter({ hasText: 'depot-0' }).getByText('Connected', { exact: true }).waitFor()
    await fleet.disconnect(['depot-0'])
    await rows.filter({ hasText: 'depot-0' }).getByText('Disconnected').waitFor()
    await rows.filter({ hasText: 'depot-1' }).getByText('Connected', { exact: true }).waitFor()
    await rows.getByRole('link', { name: 'depot-0' }).click()
    await page.getByRole('heading', { name: 'depot-0', level: 1 }).waitFor()
  })

  test('wants something of it, and sees it done when the device is back', async () => {
    await page.getByRole('button', { name: 'Edit desired…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Edit desired properties' })
    const editor = dialog.getByRole('textbox').first()
    await editor.fill('{ "interval": 60 }')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Discard your changes?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Discard your changes?' }).waitFor({ state: 'detached' })
    expect(await editor.innerText()).toBe('{ "interval": 60 }')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    const twin = region('Properties')
    await twin.getByText('1 property out of sync').waitFor()
    await fleet.connect({ deviceIds: ['depot-0'] })
    await twin.getByText('All desired properties in sync').waitFor()
    await page.getByText('Connected', { exact: true }).waitFor()
    expect(fleet.twinOf('depot-0').reported).toEqual({ interval: 60 })
  })

  test('calls a method of it, and finds what jobs did to it', async () => {
    const panel = region('Call a method')
    await panel.getByLabel('Method', { exact: true }).fill('reboot')
    await panel.getByRole('button', { name: 'Call' }).click()
    await panel.getByText('Status 200').waitFor()
    await panel.getByText('rebooted').waitFor()
    const jobs = rowsOf('Jobs on this device').filter({ hasText: 'first' })
    await expect.poll(() => jobs.allInnerTexts()).toEqual([expect.stringContaining('Succeeded')])
    const input = { jobId: 'meanwhile', queryCondition: "deviceId = 'depot-0'", updateTwin: { tags: { seen: true } } }
    await app.client.execute(ScheduleTwin, { input })
    const meanwhile = rowsOf('Jobs on this device').filter({ hasText: 'meanwhile' })
    await expect.poll(() => meanwhile.allInnerTexts()).toEqual([expect.stringContaining('Updated')])
  })

  test('reveals one of its keys at a time', async () => {
    const [connection, primary] = ['Connection string', 'Primary key'].map((name) =>
      page.getByLabel(name, { exact: true }),
    )
    await page.getByRole('button', { name: 'Show keys' }).click()
    await page.getByRole('button', { name: 'Reveal Primary key' }).click()
    expect(await primary?.inputValue()).toMatch(/^[\w+/]+=*$/)
    expect(await primary?.evaluate((field) => field.matches(':focus'))).toBe(true)
    expect(await connection?.inputValue()).toMatch(/^•+$/)
    await page.getByRole('button', { name: 'Reveal Connection string' }).click()
    expect(await connection?.inputValue()).toContain(`;GatewayHostName=localhost:${app.mqttsPort}`)
    expect(await primary?.inputValue()).toMatch(/^•+$/)
  })

  test('finds in the audit who cancelled the job, goes from there to the job, and takes the entries along', async () => {
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' }).click()
    await page.getByLabel('Operation').selectOption('Cancel job')
    const entries = rowsOf('Audit')
    const cancelled = entries.filter({ hasText: 'Cancel job' })
    // With the head of the table.
    await expect.poll(() => entries.count()).toBe(2)
    expect(await cancelled.innerText()).toMatch(/iothubowner.*Cancel job.*tonight.*127\.0\.0\.1.*Succeeded/s)
    expect(new URL(page.url()).search).toBe('?operation=cancelJob')

    // A download, as in browsers that do not let a page write to a file.
    await page.evaluate("Object.defineProperty(window, 'showSaveFilePicker', { value: undefined })")
    await page.getByRole('button', { name: 'Export…' }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as JSON lines' }).click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^audit-\d{4}-\d\d-\d\d\.jsonl$/)
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toMatchObject({
      operation: 'cancelJob',
      target: 'tonight',
    })

    await page.getByLabel('Outcome').selectOption('Failed')
    await page.getByRole('button', { name: 'Show all entries' }).click()
    await page.getByLabel('From').fill('2100-01-01T12:00')
    await page.getByRole('heading', { name: 'No matching entries' }).waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await cancelled.getByRole('link', { name: 'tonight' }).click()
    await page.getByRole('heading', { name: 'tonight', level: 1 }).waitFor()
  })

  test('has not had to load a page again', async () => {
    for (const opened of [desk, wall]) expect(await opened.page.evaluate('window.isStill')).toBe(true)
  })
})

/** As a control for dates and times takes it: in the time of the browser, which is that of this machine. */
function tomorrow(): string {
  const at = new Date(Date.now() + 86_400_000)
  at.setMinutes(at.getMinutes() - at.getTimezoneOffset())
  return at.toISOString().slice(0, 16)
}
