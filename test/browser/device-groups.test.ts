import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { browserPath, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describe.skipIf(browserPath === undefined)('the page of device groups', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'pump', 3, () => ({ kind: 'offline' }))
    opened = await browser.open({ hub: app.addresses.http })
    page = opened.page
    await page.goto('/console/groups')
    await page.getByRole('heading', { name: 'No device groups yet' }).waitFor()
  })
  afterAll(async () => {
    expect(opened.complaints()).toEqual([])
    await browser.close()
    await app.close()
  })

  const rowOf = (name: string, of = page): Locator =>
    of.getByRole('table', { name: 'Device groups' }).getByRole('row', { name: new RegExp(name) })
  const conditionIn = (form: Locator): Locator => form.getByRole('textbox', { name: 'Condition' })

  test('a group is created with the number of its devices in sight, and leads to them', async () => {
    await page.getByRole('main').getByRole('button', { name: 'Create group…' }).click()
    const form = page.getByRole('dialog', { name: 'Create group' })
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('Enter a name, such as north-pumps.').waitFor()
    await form.getByLabel('Name').fill('all pumps')
    await conditionIn(form).fill("tags.fleet = 'pump'")
    await form.getByText('3 devices now.').waitFor()
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByRole('alert').getByText('The name of a device group must consist of').waitFor()
    expect(await faultsOf(opened, 'Device groups, create')).toEqual([])
    await form.getByLabel('Name').fill('all-pumps')
    await form.getByRole('button', { name: 'Create' }).click()
    await rowOf('all-pumps').getByRole('cell', { name: '3', exact: true }).waitFor()
    expect(await faultsOf(opened, 'Device groups')).toEqual([])
    await rowOf('all-pumps').getByRole('link', { name: 'all-pumps' }).click()
    await page.getByRole('link', { name: 'pump-0' }).waitFor()
    expect(new URL(page.url()).searchParams.get('condition')).toBe("group('all-pumps')")
    await page.goBack()
  })

  test('a group does not replace another one of the same name', async () => {
    await page.getByRole('main').getByRole('button', { name: 'Create group…' }).click()
    const form = page.getByRole('dialog', { name: 'Create group' })
    await form.getByLabel('Name').fill('all-pumps')
    await conditionIn(form).fill('*')
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('A group with this name already exists.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await rowOf('all-pumps').getByText("tags.fleet = 'pump'").waitFor()
  })

  test('it is changed, unless somebody else has changed it since, and deleted', async () => {
    const { page: other } = await browser.open({ hub: app.addresses.http })
    await other.goto('/console/groups')
    for (const each of [page, other]) {
      await rowOf('all-pumps', each).getByRole('button', { name: 'Edit all-pumps…' }).click()
      await conditionIn(each.getByRole('dialog')).fill("deviceId = 'pump-1'")
    }
    await other.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await rowOf('all-pumps', other).getByRole('cell', { name: '1', exact: true }).waitFor()
    const form = page.getByRole('dialog', { name: 'Edit group all-pumps' })
    await form.getByRole('button', { name: 'Save' }).click()
    await form.getByRole('alert').getByText('Changed by someone else.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await rowOf('all-pumps').getByText("deviceId = 'pump-1'").waitFor()
    await rowOf('all-pumps').getByRole('cell', { name: '1', exact: true }).waitFor()

    await rowOf('all-pumps', other).getByRole('button', { name: 'Delete all-pumps…' }).click()
    await other.getByRole('dialog').getByRole('button', { name: 'Delete group' }).click()
    await other.getByRole('heading', { name: 'No device groups yet' }).waitFor()
    await page.getByRole('heading', { name: 'No device groups yet' }).waitFor()
  })
})
