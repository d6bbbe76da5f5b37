import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { ScheduleMethod, ScheduleTwin, WatchStatistics } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

/** A page, or what opens on one: its address, and how to get it to what shall be looked at. */
type View = {
  readonly name: string
  readonly path: string
  /** Resolves when it is there. */
  readonly show: (page: Page) => Promise<void>
}

const heading =
  (name: string | RegExp) =>
  async (page: Page): Promise<void> => {
    await page.getByRole('heading', { name }).first().waitFor()
  }
const dialog =
  (button: string | RegExp) =>
  async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: button }).first().click()
    await page.getByRole('dialog').waitFor()
  }

const reviewButton = (page: Page): Locator =>
  page.getByRole('region', { name: '4. Review' }).getByRole('button', { name: 'Review', exact: true })

const jobsOfDevice = (page: Page): Promise<void> => page.getByRole('table', { name: 'Jobs on this device' }).waitFor()

const views: readonly View[] = [
  { name: 'Jobs', path: '/console/jobs', show: async (page) => page.getByRole('link', { name: 'ended' }).waitFor() },
  { name: 'Jobs, no matches', path: '/console/jobs?id=none', show: heading('No matching jobs') },
  {
    name: 'Jobs, selected',
    path: '/console/jobs',
    async show(page) {
      await page.getByRole('checkbox', { name: /^Select all/ }).check()
      await dialog('Cancel jobs…')(page)
    },
  },
  {
    name: 'Jobs, saved views',
    path: '/console/jobs?status=running',
    async show(page) {
      await dialog('Views…')(page)
      await page.getByLabel('Save the present view as').fill('Under way')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('button', { name: 'Rename Under way' }).click()
    },
  },
  { name: 'Jobs, keys', path: '/console/jobs', show: dialog('Keyboard shortcuts') },
  {
    name: 'Jobs, find',
    path: '/console/jobs',
    async show(page) {
      await page.getByRole('link', { name: 'ended' }).waitFor()
      await dialog('Find')(page)
      await page.keyboard.type('e')
      await page.getByRole('option', { name: 'ended' }).waitFor()
    },
  },
  { name: 'Job, ended', path: '/console/jobs/ended', show: heading('Failures by cause') },
  { name: 'Job, running', path: '/console/jobs/running', show: heading('Progress over time') },
  { name: 'Job, no devices', path: '/console/jobs/of-nobody', show: heading('History') },
  { name: 'Job, to come', path: '/console/jobs/to-come', show: heading('History') },
  { name: 'Job, unknown', path: '/console/jobs/nowhere', show: heading('Job not found') },
  { name: 'Job, cancel', path: '/console/jobs/running', show: dialog('Cancel job…') },
  {
    name: 'Job, cancel on a device',
    path: '/console/jobs/running',
    async show(page) {
      await page.getByRole('checkbox', { name: 'Select site-2' }).check()
      await dialog('Cancel on 1 device…')(page)
    },
  },
  { name: 'Job, limits', path: '/console/jobs/running', show: dialog('Limits…') },
  { name: 'Job, retry', path: '/console/jobs/ended', show: dialog('Retry: Status 409') },
  { name: 'Job, a response', path: '/console/jobs/ended', show: dialog(/show the full response/) },
  { name: 'Schedule', path: '/console/schedule', show: heading('4. Review') },
  {
    name: 'Schedule, with all that is wrong',
    path: '/console/schedule?condition=tags.site+%3F',
    async show(page) {
      await page
        .getByText(/Column 11/)
        .first()
        .waitFor()
      await page.getByRole('radio', { name: 'Later' }).check()
      await page.getByRole('textbox', { name: 'Payload' }).fill('{')
      await page.getByLabel('Response timeout (s)').fill('soon')
      await reviewButton(page).click()
      await page.getByRole('alert').getByText('Enter a method name.').waitFor()
    },
  },
  {
    name: 'Schedule, all that is optional',
    path: '/console/schedule?condition=*',
    async show(page) {
      await page.getByLabel('Method', { exact: true }).fill('reboot')
      await page.getByText('No limits, no abort rules').click()
      await page.getByLabel('Devices per minute').fill('1')
      await page.getByRole('button', { name: 'Add wave' }).click()
      await page.getByRole('button', { name: 'Add abort rule' }).click()
      await page.getByRole('button', { name: 'Add abort rule' }).click()
      await page.getByLabel('Counts').last().selectOption('An error code')
      await page.getByLabel('Error code').fill('GatewayTimeout')
      await page.getByText('No name, no labels').click()
      await page.getByRole('button', { name: 'Add label' }).click()
      await reviewButton(page).click()
      await page.getByRole('alert').getByText('Enter a percentage.').waitFor()
      await page.getByLabel('At (%)').last().fill('20')
      await page.getByLabel('Label 1', { exact: true }).fill('team')
      await reviewButton(page).click()
      await page.getByText('at 1 per minute: at least').waitFor()
    },
  },
  {
    name: 'Schedule, suggestions',
    path: '/console/schedule',
    async show(page) {
      await page.getByRole('textbox', { name: 'Condition' }).press('Control+Space')
      await page.getByRole('listbox').waitFor()
    },
  },
  {
    name: 'Schedule, reviewed',
    path: '/console/schedule?condition=*',
    async show(page) {
      await page.getByLabel('Method', { exact: true }).fill('reboot')
      await reviewButton(page).click()
      await page.getByRole('heading', { name: 'Active jobs on the same devices' }).waitFor()
    },
  },
  {
    name: 'Schedule, twins',
    path: '/console/schedule',
    async show(page) {
      await page.getByRole('radio', { name: 'Update twins' }).check()
      await page.getByRole('textbox', { name: 'Tags' }).fill('{ "site": "north" }')
    },
  },
  {
    name: 'Devices',
    path: '/console/devices?columns=tags.fleet',
    show: (page) => page.getByRole('link', { name: 'site-0' }).waitFor(),
  },
  {
    name: 'Devices, a fault in the condition',
    path: '/console/devices',
    async show(page) {
      await page.getByRole('textbox', { name: 'Condition' }).fill('tags.site ?')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('Column 11:').waitFor()
    },
  },
  {
    name: 'Devices, no matches',
    path: '/console/devices?id=none',
    show: heading('No matching devices'),
  },
  {
    name: 'Devices, selected',
    path: '/console/devices',
    show: (page) => page.getByRole('checkbox', { name: 'Select site-0' }).check(),
  },
  { name: 'Devices, columns', path: '/console/devices', show: dialog('Columns…') },
  { name: 'Devices, export', path: '/console/devices?id=site', show: dialog('Export…') },
  { name: 'Devices, register', path: '/console/devices', show: dialog('Register device…') },
  {
    name: 'Device',
    path: '/console/devices/site-0',
    async show(page) {
      await jobsOfDevice(page)
      await page.getByText('2 properties out of sync').waitFor()
    },
  },
  {
    name: 'Device, a response',
    path: '/console/devices/site-0',
    async show(page) {
      await jobsOfDevice(page)
      await page.getByRole('button', { name: 'Listen' }).click()
      await page.getByRole('button', { name: 'Show keys' }).click()
      await page.getByLabel('Connection string', { exact: true }).waitFor()
      const panel = page.getByRole('region', { name: 'Call a method' })
      await panel.getByLabel('Method', { exact: true }).fill('reboot')
      await panel.getByRole('button', { name: 'Call' }).click()
      await panel.getByText('Status 200').waitFor()
    },
  },
  { name: 'Device, edit', path: '/console/devices/site-0', show: dialog('Edit desired…') },
  { name: 'Device, disable', path: '/console/devices/site-0', show: dialog('Disable…') },
  { name: 'Device, delete', path: '/console/devices/site-0', show: dialog('Delete…') },
  { name: 'Device, unknown', path: '/console/devices/nowhere', show: heading('Device not found') },
  {
    name: 'Audit',
    path: '/console/audit?outcome=succeeded',
    show: (page) => page.getByRole('table', { name: 'Audit' }).getByRole('link', { name: 'to-come' }).waitFor(),
  },
  {
    name: 'Audit, an entry',
    path: '/console/audit',
    async show(page) {
      await page.getByRole('button', { name: 'Details of Register devices' }).click()
      await page.getByRole('dialog', { name: 'Register devices' }).getByText('site-0').waitFor()
    },
  },
  { name: 'Not found', path: '/console/nowhere', show: heading('Page not found') },
]

describeInBrowser('every page', () => {
  let browser: TestBrowser
  let app: TestApp
  let fleet: Fleet
  let opened: OpenPage

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    const behaviours = [
      { kind: 'answer', payload: { rebooted: true } },
      { kind: 'refuse', status: 409, payload: { reason: 'a filling is under way until noon' } },
      { kind: 'offline' },
    ] as const
    const devices = await registerFleet(app.client, 'site', 3, (index) => behaviours[index] ?? { kind: 'silent' })
    fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
    await fleet.connect()
    const method = { methodName: 'reboot', payload: { delay: 5 } }
    const schedule = async (input: { jobId: string; queryCondition: string; startTime?: string }) => {
      const done = await app.client.execute(ScheduleMethod, { input: { ...input, cloudToDeviceMethod: method } })
      expect(done.scheduleDeviceMethod).toHaveProperty('job')
    }
    const wanted = { properties: { desired: { interval: 60, modes: ['day', 'night'] } } }
    await app.client.execute(ScheduleTwin, {
      input: { jobId: 'wanted', queryCondition: "deviceId = 'site-0'", updateTwin: wanted },
    })
    await schedule({ jobId: 'ended', queryCondition: "deviceId IN ['site-0', 'site-1']" })
    await schedule({ jobId: 'of-nobody', queryCondition: "tags.fleet = 'nowhere'" })
    await schedule({ jobId: 'running', queryCondition: "tags.fleet = 'site'" })
    await schedule({
      jobId: 'to-come',
      queryCondition: '*',
      startTime: new Date(Date.now() + 86_400_000).toISOString(),
    })
    for (const jobId of ['ended', 'of-nobody']) for await (const _ of app.client.subscribe(WatchStatistics, { jobId }));
    opened = await browser.open({ hub: app.addresses.http })
    await opened.page.goto('/console/nowhere')
  })
  afterAll(async () => {
    await browser.close()
    await fleet.close()
    await app.close()
  })

  test('what is looked for is found where it is', async () => {
    const flawed = await browser.open({ hub: app.addresses.http })
    await flawed.page.goto('/console/jobs')
    await heading('Jobs')(flawed.page)
    await flawed.page.evaluate(`
      const main = document.querySelector('main')
      main.innerHTML = '<img src="/console/mark.svg"><p style="color: red">faint</p>'
      main.querySelector('p').style.cssText = 'color: #bbb; width: 2000px'
      reportError(new Error('thrown'))`)
    const found = (await faultsOf(flawed, 'Flawed')).join('\n')
    for (const fault of [
      '1280 light: image-alt: ',
      '390 light: color-contrast: ',
      '390: 1',
      'Refused by the policy: style-src-attr',
      'Error: thrown',
    ]) {
      expect(found).toContain(fault)
    }
  })

  test.for(views)(
    '$name: nothing shifts, axe finds nothing, nothing to scroll sideways for, no complaint',
    async (view) => {
      // A draft of the view before.
      await opened.page.evaluate('sessionStorage.clear()')
      await opened.page.goto(view.path)
      await view.show(opened.page)
      expect(await opened.page.evaluate<number>('layoutShift')).toBeLessThan(0.05)
      expect(await faultsOf(opened, view.name)).toEqual([])
    },
  )
})
