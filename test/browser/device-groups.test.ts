import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SaveGroup } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { namesPerAttempt } from '../support/attempt-names.ts'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the page of device groups', () => {
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

  const nameOf = namesPerAttempt()
  /** A group of this attempt, in the list. */
  const givenGroup = async (): Promise<string> => {
    const name = nameOf('all-pumps')
    const { saveDeviceGroup } = await app.client.execute(SaveGroup, {
      input: { name, queryCondition: "tags.fleet = 'pump'" },
    })
    expect(saveDeviceGroup).toEqual({ deviceGroup: { name } })
    await page.goto('/console/groups')
    return name
  }
  const rowOf = (name: string, of = page): Locator =>
    of.getByRole('table', { name: 'Device groups' }).getByRole('row', { name: new RegExp(name) })
  const conditionIn = (form: Locator): Locator => form.getByRole('textbox', { name: 'Condition' })

  test('a group is created with the number of its devices in sight, and leads to them', async () => {
    const name = nameOf('all-pumps')
    await page.goto('/console/groups')
    await page.getByRole('main').getByRole('button', { name: 'Create group…' }).click()
    const form = page.getByRole('dialog', { name: 'Create group' })
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('Enter a name, such as north-pumps.').waitFor()
    expect(await form.getByLabel('Name').and(page.locator(':focus')).count()).toBe(1)
    await form.getByLabel('Name').fill('all pumps')
    await conditionIn(form).fill("tags.fleet = 'pump'")
    await form.getByText('3 devices now.').waitFor()
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByRole('alert').getByText('The name of a device group must consist of').waitFor()
    expect(await faultsOf(opened, 'Device groups, create')).toEqual([])
    await form.getByLabel('Name').fill(name)
    await form.getByRole('button', { name: 'Create' }).click()
    await rowOf(name).getByRole('cell', { name: '3', exact: true }).waitFor()
    expect(await faultsOf(opened, 'Device groups')).toEqual([])
    await rowOf(name).getByRole('link', { name }).click()
    await page.getByRole('link', { name: 'pump-0' }).waitFor()
    expect(new URL(page.url()).searchParams.get('condition')).toBe(`group('${name}')`)
    await page.goBack()
  })

  test('a group does not replace another one of the same name', async () => {
    const name = await givenGroup()
    await page.getByRole('main').getByRole('button', { name: 'Create group…' }).click()
    const form = page.getByRole('dialog', { name: 'Create group' })
    await form.getByLabel('Name').fill(name)
    await conditionIn(form).fill('*')
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('A group with this name already exists.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await rowOf(name).getByText("tags.fleet = 'pump'").waitFor()
  })

  test('it is changed, unless somebody else has changed it since, and deleted', async () => {
    const name = await givenGroup()
    const { page: other } = await browser.open({ hub: app.addresses.http })
    await other.goto('/console/groups')
    for (const each of [page, other]) {
      await rowOf(name, each)
        .getByRole('button', { name: `Edit ${name}…` })
        .click()
      await conditionIn(each.getByRole('dialog')).fill("deviceId = 'pump-1'")
    }
    await other.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await rowOf(name, other).getByRole('cell', { name: '1', exact: true }).waitFor()
    const form = page.getByRole('dialog', { name: `Edit group ${name}` })
    await form.getByRole('button', { name: 'Save' }).click()
    await form.getByRole('alert').getByText('Changed by someone else.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await rowOf(name).getByText("deviceId = 'pump-1'").waitFor()
    await rowOf(name).getByRole('cell', { name: '1', exact: true }).waitFor()

    await rowOf(name, other)
      .getByRole('button', { name: `Delete ${name}…` })
      .click()
    await other.getByRole('dialog').getByRole('button', { name: 'Delete group' }).click()
    for (const each of [other, page]) await rowOf(name, each).waitFor({ state: 'detached' })
  })
})
