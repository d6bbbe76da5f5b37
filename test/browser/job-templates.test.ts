import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreateTemplate } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { namesPerAttempt } from '../support/attempt-names.ts'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the pages of job templates', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'pump', 2, () => ({ kind: 'offline' }))
    opened = await browser.open({ hub: app.addresses.http })
    page = opened.page
    await page.goto('/console/jobs')
    await page.getByRole('navigation', { name: 'About jobs' }).getByRole('link', { name: 'Templates' }).click()
    await page.getByRole('heading', { name: 'No templates yet' }).waitFor()
  })
  afterAll(async () => {
    expect(opened.complaints()).toEqual([])
    await browser.close()
    await app.close()
  })

  const nameOf = namesPerAttempt()
  /** A template of this attempt, and its page. */
  const givenTemplate = async (): Promise<string> => {
    const templateId = nameOf('reboot-pumps')
    const rollout = { maxPerMinute: 60 }
    const cloudToDeviceMethod = { methodName: 'reboot' }
    const { createJobTemplate } = await app.client.execute(CreateTemplate, {
      input: { templateId, queryCondition: "tags.fleet = 'pump'", cloudToDeviceMethod, rollout },
    })
    expect(createJobTemplate).toEqual({ jobTemplate: { templateId } })
    await page.goto(`/console/templates/${templateId}`)
    return templateId
  }
  const heading = (name: string): Promise<void> => page.getByRole('heading', { name, level: 1 }).waitFor()
  const condition = (): Locator => page.getByRole('textbox', { name: 'Condition' })

  test('a template is created: what is wrong is said at its field, and leaving asks', async () => {
    const templateId = nameOf('reboot-pumps')
    await page.goto('/console/templates')
    await page.getByRole('link', { name: 'Create template…' }).click()
    await heading('Create template')
    const submit = page.getByRole('button', { name: 'Create template' })
    await submit.click()
    await page.getByText('Enter an ID, such as reboot-pumps.').waitFor()
    await page.getByLabel('Template ID').fill('reboot pumps')
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Devices' }).click()
    await page
      .getByRole('dialog', { name: 'Discard your changes?' })
      .getByRole('button', { name: 'Keep editing' })
      .click()
    await condition().fill("tags.fleet = 'pump'")
    await page.getByText('2 devices').first().waitFor()
    await page.getByLabel('Method', { exact: true }).fill('reboot')
    await page.getByText('No limits, no abort rules').click()
    await page.getByLabel('Devices per minute').fill('60')
    expect(await faultsOf(opened, 'Template, new')).toEqual([])
    await submit.click()
    await page.getByRole('alert').getByText('must consist of 1 to 64 ASCII letters').waitFor()
    await page.getByLabel('Template ID').fill(templateId)
    await page.keyboard.press('Enter')
    await heading(templateId)
    await page.getByText('At most 60 devices per minute').waitFor()
    expect(await faultsOf(opened, 'Template')).toEqual([])
  })

  test('a job is scheduled from it, in the form and with what it has', async () => {
    const templateId = await givenTemplate()
    await page.getByRole('link', { name: 'Schedule…', exact: true }).click()
    await page.getByText(`Filled from template ${templateId}.`).waitFor()
    await expect.poll(() => condition().innerText()).toBe("tags.fleet = 'pump'")
    expect(await page.getByLabel('Method', { exact: true }).inputValue()).toBe('reboot')
    expect(await page.getByLabel('Devices per minute').inputValue()).toBe('60')
    await page.getByRole('button', { name: 'Start over' }).click()
    await page.goto(`/console/templates/${templateId}`)
    await page.getByRole('link', { name: 'Schedule at recurring times…' }).click()
    const form = page.getByRole('dialog', { name: 'Create schedule' })
    expect(await form.getByLabel('Template').inputValue()).toBe(templateId)
    await page.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })
  })

  test('it is changed, unless somebody else has changed it since, and deleted', async () => {
    const templateId = await givenTemplate()
    await page.goto('/console/templates')
    const row = page.getByRole('table', { name: 'Templates' }).getByRole('row', { name: templateId })
    await row.getByText("tags.fleet = 'pump'").waitFor()
    expect(await faultsOf(opened, 'Templates')).toEqual([])
    const { page: other } = await browser.open({ hub: app.addresses.http })
    for (const each of [page, other]) {
      await each.goto(`/console/templates/${templateId}/edit`)
      await each.getByRole('heading', { name: `Edit template ${templateId}` }).waitFor()
    }
    await other.getByLabel('Method', { exact: true }).fill('restart')
    await other.getByRole('button', { name: 'Save template' }).click()
    await other.getByText('restart').waitFor()
    await page.getByLabel('Devices per minute').fill('30')
    expect(await faultsOf(opened, 'Template, edit')).toEqual([])
    await page.getByRole('button', { name: 'Save template' }).click()
    await page.getByRole('alert').getByText('Changed by someone else.').waitFor()

    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await heading(templateId)
    await page.getByText('restart').waitFor()

    await other.getByRole('link', { name: 'Edit…' }).click()
    await other.getByLabel('Devices per minute').fill('30')
    await other.getByRole('button', { name: 'Save template' }).click()
    await other.getByText('At most 30 devices per minute').waitFor()
    await other.getByText('restart').waitFor()
    await page.getByText('At most 30 devices per minute').waitFor()

    await other.getByRole('button', { name: 'Delete…' }).click()
    const question = other.getByRole('dialog', { name: 'Delete this template?' })
    await question.getByRole('button', { name: 'Delete template' }).click()
    await other.getByRole('heading', { name: 'Templates', level: 1 }).waitFor()
    await other.getByRole('link', { name: templateId }).waitFor({ state: 'detached' })
    await page.getByText('This template has been deleted.').waitFor()
  })
})
