import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { browserPath, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'
import { routeConnection } from '../support/live-connection.ts'

describe.skipIf(browserPath === undefined)('scheduling', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'hall', 3, () => ({ kind: 'offline' }))
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

  test('needs no mouse: Tab leads through all of it in the order one reads', async () => {
    const page = await open('/console/jobs')
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor()
    await tabTo(page, page.getByRole('link', { name: 'Schedule', exact: true }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Schedule a job' }).waitFor()
    await tabTo(page, page.getByRole('textbox', { name: 'Condition' }))
    await page.keyboard.type("tags.fleet = 'hall'")
    await page.keyboard.press('Escape')
    await tabTo(page, page.getByRole('radio', { name: 'Call a direct method' }))
    await tabTo(page, page.getByLabel('Method', { exact: true }))
    await page.keyboard.type('reboot')
    await tabTo(page, page.getByLabel('Job ID'))
    await page.keyboard.type('by-keys')
    await tabTo(page, reviewButton(page))
    await page.keyboard.press('Enter')
    const schedule = page.getByRole('button', { name: 'Schedule on 3 devices' })
    await schedule.waitFor()
    await tabTo(page, schedule)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'by-keys', level: 1 }).waitFor()
    await tabTo(page, page.getByRole('button', { name: 'Cancel job…' }))
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Cancel this job?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await hasFocus(page.getByRole('button', { name: 'Cancel job…' }))).toBe(true)
  })

  test('Ctrl+Enter reviews from wherever one is, or leads to the first field that is missing', async () => {
    const page = await open('/console/schedule')
    const condition = page.getByRole('textbox', { name: 'Condition' })
    await condition.press('Control+Enter')
    await page.getByRole('alert').getByText('Enter a condition, or choose All devices.').waitFor()
    expect(await hasFocus(condition)).toBe(true)
    await page.keyboard.type('*')
    await page.keyboard.press('Control+Enter')
    const method = page.getByLabel('Method', { exact: true })
    await expect.poll(() => hasFocus(method)).toBe(true)
    await page.keyboard.type('blink')
    await page.keyboard.press('Control+Enter')
    await page.getByText('This job targets every device of the hub.').waitFor()
    await page.getByRole('button', { name: 'Schedule on 3 devices' }).waitFor()
    await page.getByText('Up to 1 h, because no device is connected').waitFor()
    await page.getByLabel('Do not wait for offline devices').check()
    await page.getByText('Up to 1 s, because no device is connected').waitFor()
    const timeout = page.getByLabel('Connection timeout (s)')
    expect(await timeout.inputValue()).toBe('1')
    await page.getByLabel('Do not wait for offline devices').uncheck()
    await page.getByText('Up to 1 h, because no device is connected').waitFor()
    await timeout.fill('90')
    await page.keyboard.press('Control+Enter')
    await page.getByText('Up to 1 min 30 s, because no device is connected').waitFor()
    await page.getByLabel('Do not wait for offline devices').check()
    await page.getByText('Up to 1 s, because no device is connected').waitFor()
    await page.getByLabel('Do not wait for offline devices').uncheck()
    await page.getByText('Up to 1 min 30 s, because no device is connected').waitFor()
    expect(await timeout.inputValue()).toBe('90')
  })

  test('what is typed survives a reload, and is gone once the job is scheduled', async () => {
    const page = await open("/console/schedule?condition=tags.fleet+%3D+'hall'")
    const condition = page.getByRole('textbox', { name: 'Condition' })
    await expect.poll(() => condition.innerText()).toBe("tags.fleet = 'hall'")
    await condition.press('Control+A')
    await page.keyboard.type('tags.fl')
    await page.getByText('Complete the condition to see the matching devices.').waitFor()
    expect(await page.getByText('No matching devices').count()).toBe(0)
    await condition.press('Control+A')
    await page.keyboard.type("tags.fleet = 'hall' AND deviceId != 'hall-0'")
    await page.getByRole('radio', { name: 'Update twins' }).check()
    await page.getByRole('textbox', { name: 'Desired properties' }).fill('{ "interval": 60 }')
    await page.getByLabel('Time limit', { exact: true }).fill('90')
    await page.reload()
    await expect.poll(() => condition.innerText()).toBe("tags.fleet = 'hall' AND deviceId != 'hall-0'")
    expect(await page.getByRole('radio', { name: 'Update twins' }).isChecked()).toBe(true)
    expect(await page.getByRole('textbox', { name: 'Desired properties' }).innerText()).toBe('{ "interval": 60 }')
    expect(await page.getByLabel('Time limit', { exact: true }).inputValue()).toBe('90')
    await reviewButton(page).click()
    await page.getByRole('button', { name: 'Schedule on 2 devices' }).click()
    await page.getByRole('region', { name: 'Progress', exact: true }).waitFor()
    await page.getByRole('link', { name: 'Schedule', exact: true }).click()
    await page.getByRole('button', { name: 'All devices' }).waitFor()
    expect(await condition.innerText()).not.toContain('hall')
  })

  test('limits, abort rules, a name and labels are set by the keyboard, reviewed in words, and kept when it is scheduled again', async () => {
    const page = await open("/console/schedule?condition=tags.fleet+%3D+'hall'")
    await page.getByLabel('Method', { exact: true }).fill('reboot')
    const pace = page.getByRole('region', { name: 'Pace and safety' })
    await pace.getByText('No limits, no abort rules').waitFor()
    expect(await page.getByLabel('Devices per minute').isVisible()).toBe(false)
    await page.getByLabel('Job ID').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await tabTo(page, page.getByLabel('Devices per minute'))
    await page.keyboard.type('1')
    await tabTo(page, page.getByLabel('Calls in progress'))
    await page.keyboard.type('5')
    await tabTo(page, page.getByLabel('Group devices by'))
    await page.keyboard.type('tags.fleet')
    await tabTo(page, page.getByLabel('Calls per group'))
    await page.keyboard.type('2')
    await tabTo(page, page.getByRole('button', { name: 'Add wave' }))
    await page.keyboard.press('Enter')
    const wave = page.getByRole('group', { name: 'Wave 1' })
    await expect.poll(() => hasFocus(wave.getByLabel('Wave 1 takes'))).toBe(true)
    await wave.getByLabel('Percentage').fill('40')
    await tabTo(page, page.getByRole('button', { name: 'Add abort rule' }))
    await page.keyboard.press('Enter')
    const rule = page.getByRole('group', { name: 'Abort rule 1' })
    await expect.poll(() => hasFocus(rule.getByLabel('Action'))).toBe(true)
    await rule.getByText('Pause when 5 % failed or refused, after 10 devices.').waitFor()
    await rule.getByLabel('Counts').selectOption('A response status')
    await rule.getByLabel('Status').fill('503')
    await rule.getByText('Pause when 5 % responded with status 503, after 10 devices.').waitFor()
    await rule.getByLabel('At (%)').fill('101')
    await pace
      .getByText('1 per minute · 5 in progress · 2 in progress per tags.fleet · 2 waves · 1 abort rule')
      .waitFor()

    const naming = page.getByRole('region', { name: 'Name and labels' })
    await naming.getByText('No name, no labels').click()
    await naming.getByLabel('Name').fill('Night of the halls')
    await naming.getByRole('button', { name: 'Add label' }).click()
    await expect.poll(() => hasFocus(naming.getByLabel('Label 1', { exact: true }))).toBe(true)
    await page.keyboard.type('team')
    await naming.getByLabel('Value of label 1').fill('north')
    await naming.getByText('Night of the halls · team=north').click()
    expect(await naming.getByLabel('Name').isVisible()).toBe(false)

    await page.keyboard.press('Control+Enter')
    await rule.getByRole('alert').getByText('The percentage must be a number from 0 to 100').waitFor()
    expect(await hasFocus(rule.getByLabel('At (%)'))).toBe(true)
    await rule.getByLabel('At (%)').fill('2.5')
    await page.keyboard.press('Control+Enter')
    const review = page.getByRole('region', { name: '4. Review' })
    await review.getByText('3 devices at 1 per minute: at least 2 min').waitFor()
    await review.getByText('At most 1 device per minute').waitFor()
    await review.getByText('At most 5 calls in progress').waitFor()
    await review.getByText('At most 2 calls in progress per tags.fleet').waitFor()
    await review.getByText('Wave 1: 40 % of the devices (2). The next opens when 90 % succeeded').waitFor()
    await review.getByText('Wave 2: the rest (1)').waitFor()
    await review.getByText('Pause when 2.5 % responded with status 503, after 10 devices').waitFor()
    await page.reload()
    await page.getByLabel('Devices per minute').waitFor()
    await page.getByLabel('Job ID').fill('paced')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Schedule on 3 devices' }).click()
    await page.getByRole('heading', { name: 'paced', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'team=north' }).waitFor()

    await page.getByRole('link', { name: 'Schedule again' }).click()
    await page.getByText('Copied from job paced.').waitFor()
    expect(await page.getByLabel('Devices per minute').inputValue()).toBe('1')
    expect(await page.getByLabel('Calls in progress').inputValue()).toBe('5')
    expect(await page.getByLabel('Group devices by').inputValue()).toBe('tags.fleet')
    expect(await page.getByLabel('Calls per group').inputValue()).toBe('2')
    expect(await wave.getByLabel('Percentage').inputValue()).toBe('40')
    expect(await wave.getByLabel('Gate: succeeded (%)').inputValue()).toBe('90')
    expect(await rule.getByLabel('At (%)').inputValue()).toBe('2.5')
    expect(await rule.getByLabel('Status').inputValue()).toBe('503')
    expect(await naming.getByLabel('Name').inputValue()).toBe('Night of the halls')
    expect(await naming.getByLabel('Value of label 1').inputValue()).toBe('north')
    await rule.getByRole('button', { name: 'Remove abort rule 1' }).click()
    expect(await hasFocus(page.getByRole('button', { name: 'Add abort rule' }))).toBe(true)
  })

  test('a section that is folded opens at the field that the hub refuses', async () => {
    const page = await open("/console/schedule?condition=tags.fleet+%3D+'hall'")
    await page.getByLabel('Method', { exact: true }).fill('reboot')
    const naming = page.getByRole('region', { name: 'Name and labels' })
    await naming.getByText('No name, no labels').click()
    await naming.getByRole('button', { name: 'Add label' }).click()
    await page.keyboard.type('a b')
    await naming.getByText('a b=').click()
    expect(await naming.getByLabel('Label 1', { exact: true }).isVisible()).toBe(false)
    await reviewButton(page).click()
    await naming.getByRole('alert').getByText('The name of a label must consist of').waitFor()
    expect(await hasFocus(naming.getByLabel('Label 1', { exact: true }))).toBe(true)
    await page.keyboard.press('Control+A')
    await page.keyboard.type('team')
    expect(await naming.getByText('The name of a label must consist of').count()).toBe(0)
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Schedule on 3 devices' }).waitFor()
  })

  test('an ID that is taken is reported by the review, at its field', async () => {
    const page = await open('/console/schedule?condition=*')
    await page.getByLabel('Method', { exact: true }).fill('reboot')
    await page.getByLabel('Job ID').fill('by-keys')
    await reviewButton(page).click()
    await page.getByRole('alert').getByText('The job "by-keys" already exists.').waitFor()
    expect(await hasFocus(page.getByLabel('Job ID'))).toBe(true)
    await page.keyboard.type('-2')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Schedule on 3 devices' }).waitFor()
  })

  test('devices that changed after the review are not taken for those that were reviewed', async () => {
    const page = await open('/console/schedule?condition=*')
    await page.getByLabel('Method', { exact: true }).fill('reboot')
    await reviewButton(page).click()
    const schedule = page.getByRole('button', { name: 'Schedule on 3 devices' })
    await schedule.waitFor()
    await registerFleet(app.client, 'new', 1, () => ({ kind: 'offline' }))
    await schedule.click()
    await page.getByRole('alert').getByText('3 devices matched then, 4 match now.').waitFor()
    await page.getByRole('button', { name: 'Refresh review' }).click()
    await page.getByRole('button', { name: 'Schedule on 4 devices' }).click()
    await expect
      .poll(() => page.getByRole('region', { name: 'Progress', exact: true }).allInnerTexts())
      .toEqual([expect.stringContaining('0 of 4 devices')])
  })

  test('nothing is sent while the hub cannot be reached, by no button and no key', async () => {
    opened = await browser.open({ hub: app.addresses.http })
    const { page } = opened
    const connection = await routeConnection(page)
    const sent: string[] = []
    page.on('request', (request) => {
      const name = /(?:query|mutation) (Schedule(?:Review|Method))/.exec(request.postData() ?? '')?.[1]
      if (name !== undefined) sent.push(name)
    })
    await page.goto('/console/schedule?condition=*')
    const method = page.getByLabel('Method', { exact: true })
    await method.fill('reboot')
    await page.getByText('Live').waitFor()
    await connection.cut()
    await page.getByText(/^Connection lost at/).waitFor()

    const summary = page.getByRole('region', { name: 'Summary' }).getByRole('button', { name: 'Review' })
    for (const button of [summary, reviewButton(page)]) {
      expect(await button.getAttribute('aria-disabled')).toBe('true')
      // Disabled for Playwright, too.
      await button.click({ force: true })
    }
    await method.press('Control+Enter')
    await method.press('Enter')
    await page
      .getByRole('status')
      .getByText('Not available while the hub cannot be reached.')
      .waitFor({ state: 'attached' })
    expect(sent).toEqual([])
    expect(await page.getByText('Checking devices…').count()).toBe(0)

    connection.restore()
    await page.getByText('Live').waitFor()
    await method.press('Control+Enter')
    const schedule = page.getByRole('button', { name: /^Schedule on/ })
    await schedule.waitFor()
    await connection.cut()
    await page.getByText(/^Connection lost at/).waitFor()
    await schedule.click({ force: true })
    await method.press('Control+Enter')
    expect(await page.getByLabel('Do not wait for offline devices').isDisabled()).toBe(true)
    connection.restore()
    await page.getByText('Live').waitFor()
    expect(sent).toEqual(['ScheduleReview'])
  })

  const reviewButton = (page: Page): Locator =>
    page.getByRole('region', { name: '4. Review' }).getByRole('button', { name: 'Review', exact: true })

  const hasFocus = async (control: Locator): Promise<boolean> =>
    (await control.and(opened.page.locator(':focus')).count()) === 1

  /** Presses Tab until the control has the focus. */
  async function tabTo(page: Page, control: Locator): Promise<void> {
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press('Tab')
      if (await hasFocus(control)) return
    }
    throw new Error(`Tab does not lead to ${control}.`)
  }
})
