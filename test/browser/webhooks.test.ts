import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreateWebhook, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { namesPerAttempt } from '../support/attempt-names.ts'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { openReceiver, type Receiver } from '../support/receiver.ts'

describeInBrowser('the pages of webhooks', () => {
  let browser: TestBrowser
  let app: TestApp
  let receiver: Receiver
  let opened: OpenPage
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp({ WEBHOOK_ALLOW_PRIVATE: 'true' })
    receiver = await openReceiver()
    opened = await browser.open({ hub: app.addresses.http })
    page = opened.page
    await page.goto('/console/webhooks')
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor()
  })
  afterAll(async () => {
    expect(opened.complaints()).toEqual([])
    await browser.close()
    await receiver.close()
    await app.close()
  })

  const nameOf = namesPerAttempt()
  /** The address of a webhook of this attempt. */
  const address = (): string => `${receiver.url}/${nameOf('on-call')}`
  /** A webhook of this attempt, and its page. */
  const givenWebhook = async (): Promise<void> => {
    const { createWebhook } = await app.client.execute(CreateWebhook, {
      input: { url: address(), events: ['JOB_THRESHOLD', 'JOB_ENDED'], failureShare: 0.07 },
    })
    expect(createWebhook).toEqual({ webhook: { webhookId: expect.any(String) } })
    const webhookId = createWebhook && 'webhook' in createWebhook ? createWebhook.webhook?.webhookId : undefined
    await page.goto(`/console/webhooks/${webhookId}`)
  }
  const dialog = (name: string): Locator => page.getByRole('dialog', { name })
  const action = (name: string): Promise<void> =>
    page.getByRole('main').getByRole('button', { name, exact: true }).click()
  const deliveries = (): Locator => page.getByRole('table', { name: 'Deliveries' })

  test('a webhook is created, and its secret is shown once', async () => {
    await page.goto('/console/webhooks')
    await action('Create webhook…')
    const form = dialog('Create webhook')
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('Enter the address of the receiver').waitFor()
    await form.getByLabel('Address').fill(address())
    await form.getByLabel('Too many failures').check()
    await form.getByLabel('Failures above (%)').fill('7')
    await form.getByLabel('Description').fill('on call')
    expect(await faultsOf(opened, 'Webhooks, create')).toEqual([])
    await form.getByRole('button', { name: 'Create' }).click()
    expect(await dialog('Webhook created').getByLabel('Secret', { exact: true }).inputValue()).toMatch(/^whsec_/)
    await dialog('Webhook created').getByRole('button', { name: 'Done' }).click()
    const row = page.getByRole('row', { name: address() })
    await row.getByText('Too many failures (over 7 %, from 20 devices), Job ended').waitFor()
    expect(await faultsOf(opened, 'Webhooks')).toEqual([])
    await page.getByRole('link', { name: address() }).click()
    await page.getByRole('heading', { name: address(), level: 1 }).waitFor()
    expect(await page.getByText('whsec_').count()).toBe(0)
  })

  test('what was given up says why, and is delivered again', async () => {
    await givenWebhook()
    const jobId = nameOf('ended')
    const before = receiver.received.length
    receiver.answer((response) => response.writeHead(410).end('no more, thanks'))
    await app.client.execute(ScheduleMethod, {
      input: { jobId, queryCondition: "deviceId = 'none'", cloudToDeviceMethod: { methodName: 'reboot' } },
    })
    await receiver.count(before + 1)
    await expect
      .poll(async () => {
        await action('Refresh')
        return deliveries()
          .innerText({ timeout: 1_000 })
          .catch(() => '')
      })
      .toMatch(/Given up\s+Job ended\s+ended-\d.*The receiver no longer wants events. Status 410. no more, thanks/s)
    await page.getByLabel('Status').selectOption('Given up')
    await deliveries().getByText('Given up').waitFor()
    expect(new URL(page.url()).search).toBe('?status=dead')
    expect(await faultsOf(opened, 'Webhook')).toEqual([])

    await page.reload()
    await page.getByText('The hub has disabled this webhook').waitFor()
    receiver.answer((response) => response.writeHead(204).end())
    await action('Enable…')
    await dialog('Enable this webhook?').getByRole('button', { name: 'Enable' }).click()
    await page.getByRole('button', { name: 'Disable…' }).waitFor()
    await deliveries()
      .getByRole('button', { name: `Deliver again: Job ended ${jobId}` })
      .click()
    await receiver.count(before + 2)
    await page.getByLabel('Status').selectOption('Delivered')
    await expect
      .poll(async () => {
        await action('Refresh')
        return deliveries()
          .innerText({ timeout: 1_000 })
          .catch(() => '')
      })
      .toContain('Delivered')
  })

  test('its secret is replaced, its settings are changed, and it is deleted', async () => {
    await givenWebhook()
    await action('Replace secret…')
    await dialog('Replace the secret?').getByRole('button', { name: 'Replace secret' }).click()
    await dialog('Secret replaced').getByLabel('Secret', { exact: true }).waitFor()
    await dialog('Secret replaced').getByRole('button', { name: 'Done' }).click()
    await action('Edit…')
    await dialog('Edit webhook').getByLabel('Too many failures').uncheck()
    await dialog('Edit webhook').getByLabel('Address').fill('https://user:x@example.com/hook')
    await dialog('Edit webhook').getByRole('button', { name: 'Save' }).click()
    await dialog('Edit webhook').getByRole('alert').getByText('url').waitFor()
    await dialog('Edit webhook').getByLabel('Address').fill(address())
    await dialog('Edit webhook').getByRole('button', { name: 'Save' }).click()
    await dialog('Edit webhook').waitFor({ state: 'detached' })
    await page.getByText('Too many failures').waitFor({ state: 'detached' })
    await action('Delete…')
    await dialog('Delete this webhook?').getByRole('button', { name: 'Delete webhook' }).click()
    await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor()
    await page.goto('/console/webhooks/00000000-0000-0000-0000-000000000000')
    await page.getByRole('heading', { name: 'Webhook not found' }).waitFor()
  })
})
