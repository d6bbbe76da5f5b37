import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { signSasToken } from '../../src/access/sas.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, faultsOf, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the session', () => {
  const key = Buffer.alloc(32, 'k').toString('base64')
  let browser: TestBrowser
  const apps: TestApp[] = []

  const start = async (variables: Readonly<Record<string, string>> = {}): Promise<TestApp> => {
    const app = await startApp(variables)
    apps.push(app)
    return app
  }

  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))
  afterAll(() => browser.close())

  test('a hub that needs a token asks for it: a wrong one is refused with what to do, the right one signs in', async () => {
    const app = await start({ IOTHUB_OWNER_KEY: key, GRAPHIQL: 'true' })
    const opened = await browser.open({ hub: app.addresses.http })
    const { page, complaints } = opened
    const faults = async () => (await faultsOf(opened, 'Sign in')).filter((text) => !isRefusal(text))
    await page.goto('/console/devices?id=x')
    await page.getByRole('heading', { name: 'Sign in with a token' }).waitFor()
    const field = page.getByLabel('Token')
    const submit = page.getByRole('button', { name: 'Sign in' })

    await field.fill('hello')
    await submit.click()
    await page.getByRole('alert').getByText('A token starts with').waitFor()
    expect(await faults()).toEqual([])
    await field.fill(tokenBy(Buffer.alloc(32, 'x').toString('base64')))
    await submit.click()
    await page.getByRole('alert').getByText('The hub did not accept this token').waitFor()
    await field.fill('')
    await field.press('Enter')
    await page.getByRole('alert').getByText('Paste a token.').waitFor()
    const token = tokenBy(key)
    await field.fill(token)
    await field.press('Shift+Enter')
    expect(await field.inputValue()).toBe(`${token}\n`)
    await field.press('Enter')
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor()
    expect(page.url()).toContain('/console/devices?id=x')
    await page.getByRole('status').getByText('Live').waitFor()

    await page.reload()
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor()
    const introspection = page.waitForResponse(
      (response) => response.request().postData()?.includes('IntrospectionQuery') ?? false,
    )
    await page.getByRole('link', { name: 'GraphiQL' }).click()
    expect((await introspection).status()).toBe(200)
    await page.goto('/console/devices')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in with a token' }).waitFor()
    expect(complaints().filter((text) => !isRefusal(text))).toEqual([])
  })

  test('an empty hub is shown without faults, too', async () => {
    const app = await start()
    const opened = await browser.open({ hub: app.addresses.http })
    for (const [path, title] of [
      ['/console/jobs', 'No jobs yet'],
      ['/console/devices', 'No devices yet'],
      ['/console/audit', 'No entries yet'],
    ] as const) {
      await opened.page.goto(path)
      await opened.page.getByRole('heading', { name: title }).waitFor()
      expect(await faultsOf(opened, title)).toEqual([])
    }
  })

  test('a page whose hub stops says so, and shows what has happened once it is back', async () => {
    const app = await start()
    const devices = await registerFleet(app.client, 'back', 2, () => ({ kind: 'offline' }))
    const fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
    await fleet.connect({ deviceIds: ['back-0'] })
    const cloudToDeviceMethod = { methodName: 'reboot' }
    await app.client.execute(ScheduleMethod, { input: { jobId: 'long', queryCondition: '*', cloudToDeviceMethod } })
    const { page, complaints } = await browser.open({ hub: app.addresses.http })
    await page.goto('/console/jobs/long')
    const progress = page.getByRole('region', { name: 'Progress', exact: true })
    await progress.getByText('1 of 2 devices').waitFor()
    await page.getByRole('status').getByText('Live').waitFor()

    const lost = page.getByRole('status').getByText('Reconnecting').waitFor()
    await app.restart()
    await fleet.connect({ deviceIds: ['back-1'] })
    await lost
    await page.getByRole('status').getByText('Live').waitFor()
    await progress.getByText('2 of 2 devices').waitFor()
    await page.getByRole('region', { name: 'History' }).getByText('Completed').waitFor()
    // A browser reports each try to connect that fails, and each file of another page that it asked a stopping hub for.
    expect(complaints().filter((text) => !/ERR_(CONNECTION|SOCKET)_|WebSocket|status of 503/.test(text))).toEqual([])
    await fleet.close()
  })

  test('a page that is shown needs no more of its files: it goes on without them', async () => {
    const app = await start({ MAX_RUNNING_JOBS: '1' })
    await registerFleet(app.client, 'whole', 2, () => ({ kind: 'offline' }))
    const cloudToDeviceMethod = { methodName: 'reboot' }
    for (const jobId of ['first', 'second']) {
      await app.client.execute(ScheduleMethod, { input: { jobId, queryCondition: '*', cloudToDeviceMethod } })
    }
    const { page } = await browser.open({ hub: app.addresses.http })
    await page.goto('/console/jobs/second')
    await page.getByRole('list', { name: 'Waiting for' }).getByText('next in the queue').waitFor()

    await page.route('**/assets/**', (route) => route.abort('connectionfailed'))
    await app.client.execute(CancelJob, { input: { jobId: 'first' } })
    await page.getByRole('region', { name: 'Progress over time' }).getByRole('img').waitFor()
    const progress = page.getByRole('region', { name: 'Progress', exact: true })
    await expect.poll(() => progress.innerText()).toContain('0 of 2 devices')
    expect(await page.getByText('next in the queue').count()).toBe(0)
  })

  /** A browser reports each refusal of the hub. */
  const isRefusal = (text: string): boolean => text.includes('401')

  function tokenBy(key: string): string {
    const expiry = Math.floor(Date.now() / 1000) + 600
    return signSasToken({ resource: 'localhost', key, expiry, policyName: 'iothubowner' })
  }
})
