import type { RequestListener } from 'node:http'
import type { Page, WebSocketRoute } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { claimsOf } from '../../src/console/hub/jwt.ts'
import { CancelJob, ScheduleMethod, WatchStatistics } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'
import { type Issuer, openIssuer } from '../support/issuer.ts'

const accounts = {
  anna: { name: 'Anna Lovelace', roles: ['operator'] },
  berta: { name: 'Berta', roles: ['viewer'] },
  carl: { name: 'Carl', roles: ['gardener'] },
}

describeInBrowser('signing in to the console', () => {
  let browser: TestBrowser
  let issuer: Issuer
  let app: TestApp
  const closers: (() => Promise<void>)[] = []

  const startIssuer = (more: Parameters<typeof openIssuer>[0] = {}): Promise<Issuer> =>
    openIssuer({
      accounts,
      redirectUris: ['http://127.0.0.1/console/signed-in'],
      postLogoutRedirectUris: ['http://127.0.0.1/console/'],
      ...more,
    })
  const settingsFor = (at: Issuer) => ({ OIDC_ISSUER: at.url, OIDC_AUDIENCE: at.audience, OIDC_CLIENT_ID: 'page' })
  const startHub = (at: Issuer): Promise<TestApp> => startApp(settingsFor(at))

  beforeAll(async () => {
    browser = await startBrowser()
    issuer = await startIssuer()
    app = await startHub(issuer)
  })
  afterEach(async () => {
    issuer.answer(undefined)
    issuer.signInAs('anna')
    for (const close of closers.splice(0)) await close()
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
    await issuer.close()
  })

  const signInButton = (page: Page) => page.getByRole('button', { name: 'Sign in', exact: true })
  /** Opens a page of the console, and signs in there. */
  const signIn = async (path: string, hub = app): Promise<OpenPage> => {
    const opened = await browser.open({ hub: hub.addresses.http })
    await opened.page.goto(path)
    await signInButton(opened.page).click()
    return opened
  }
  const owner = (of: TestApp) => createHubClient({ url: of.addresses.graphql, authorization: of.ownerToken })
  /** A browser reports each refusal of the hub. */
  const withoutRefusals = (complaints: readonly string[]) => complaints.filter((text) => !text.includes('401'))

  test('leads to the provider, and back to the page that was asked for; a reload keeps the session', async () => {
    const { page, complaints } = await signIn('/console/devices?id=x')
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor()
    expect(page.url()).toBe(`${app.addresses.http}/console/devices?id=x`)
    const header = page.getByRole('banner')
    await header.getByText('Anna Lovelace').waitFor()
    await header.getByText('operator', { exact: true }).waitFor()
    await page.getByRole('status').getByText('Live').waitFor()

    await page.reload()
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor()
    expect(await signInButton(page).count()).toBe(0)
    const seen = await page.evaluate<string>('JSON.stringify([localStorage, document.cookie, location.href])')
    expect(seen).toBe(JSON.stringify([{}, '', `${app.addresses.http}/console/devices?id=x`]))
    expect(withoutRefusals(complaints())).toEqual([])
  })

  test('the page offers to sign in, or to use a token, and has no faults', async () => {
    const opened = await browser.open({ hub: app.addresses.http })
    const { page } = opened
    await page.goto('/console/jobs')
    await signInButton(page).waitFor()
    expect(withoutRefusals(await faultsOf(opened, 'Sign in at a provider'))).toEqual([])
    await page.getByRole('button', { name: 'Use a token instead' }).click()
    expect(withoutRefusals(await faultsOf(opened, 'Sign in with a token instead'))).toEqual([])
    const field = page.getByLabel('Token')
    await field.fill(app.ownerToken.replace('iothubowner', 'nobody'))
    await field.press('Enter')
    await page.getByRole('alert').getByText('The hub did not accept this token').waitFor()
    await field.fill(`Bearer ${await issuer.mint({ name: 'Dora', roles: ['viewer'] })}`)
    await field.press('Enter')
    await page.getByRole('banner').getByText('Dora').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').fill(app.ownerToken)
    await page.keyboard.press('Enter')
    await page.getByRole('banner').getByText('iothubowner').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in with an account instead' }).click()
    await signInButton(page).waitFor()
  })

  test('signing out while the connection is lost opens no other connection', async () => {
    const { page } = await browser.open({ hub: app.addresses.http })
    await page.clock.install()
    await page.addInitScript(`
      window.sockets = []
      window.WebSocket = class extends WebSocket {
        constructor(...of) {
          super(...of)
          sockets.push(this)
        }
      }`)
    await page.goto('/console/devices')
    await page.getByRole('button', { name: 'Use a token instead' }).click()
    await page.getByLabel('Token').fill(app.ownerToken)
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('Live').waitFor()
    // From now on, time passes only as the test says.
    await page.clock.pauseAt(Date.now() + 5_000)
    await page.evaluate('sockets.at(-1).close(4000)')
    await page.getByRole('status').getByText('Reconnecting').waitFor()
    const opened = await page.evaluate('sockets.length')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    await page.clock.runFor(30_000)
    expect(await page.evaluate('sockets.length')).toBe(opened)
  })

  test('signing out ends the sign-in at the provider, too', async () => {
    const { page } = await signIn('/console/devices')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Yes, sign me out' }).click()
    await signInButton(page).waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
    // With a sign-in at the provider, Anna would be back.
    issuer.signInAs('berta')
    await signInButton(page).click()
    await page.getByRole('banner').getByText('Berta').waitFor()
  })

  test('a person without a role reads that, and where the hub looked for roles', async () => {
    issuer.signInAs('carl')
    const opened = await signIn('/console/jobs')
    const { page } = opened
    await page.getByRole('heading', { name: 'No access' }).waitFor()
    await page.getByText('You are signed in as Carl').waitFor()
    await page.getByText('at "roles" (OIDC_ROLES_PATH)').waitFor()
    expect(withoutRefusals(await faultsOf(opened, 'No access'))).toEqual([])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Yes, sign me out' }).waitFor()
  })

  describe('a viewer', () => {
    const mayNot = (deed: string): string => `Your roles (viewer) do not allow you to ${deed}.`
    const jobs = mayNot('schedule, retry or cancel jobs')
    const devices = mayNot('register, change or delete devices')
    const twins = mayNot('change twins')

    /** One sign-in for all: the session stays in the tab. */
    let opened: OpenPage

    beforeAll(async () => {
      const client = owner(app)
      await registerFleet(client, 'seen', 2, () => ({ kind: 'offline' }))
      const cloudToDeviceMethod = { methodName: 'reboot' }
      for (const jobId of ['open', 'ended']) {
        await client.execute(ScheduleMethod, { input: { jobId, queryCondition: '*', cloudToDeviceMethod } })
      }
      for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId: 'ended' })) {
        if ((deviceJobStatistics.deviceJobStatistics?.deviceCount ?? 0) > 0) break
      }
      await client.execute(CancelJob, { input: { jobId: 'ended' } })
      client.close()
      issuer.signInAs('berta')
      opened = await signIn('/console/jobs')
      await opened.page.getByRole('banner').getByText('Berta').waitFor()
      opened.complaints()
    })
    afterAll(() => opened.page.close())

    test.each<[string, string, Readonly<Record<string, string>>]>([
      ['the jobs', '/console/jobs', { 'Schedule a job': jobs }],
      ['a running job', '/console/jobs/open', { 'Schedule again': jobs, 'Cancel job…': jobs }],
      ['an ended job', '/console/jobs/ended', { 'Schedule again': jobs, 'Retry…': jobs }],
      ['an unknown job', '/console/jobs/nowhere', { 'Schedule a job': jobs }],
      ['the devices', '/console/devices', { 'Register device…': devices, 'Schedule a job': jobs }],
      [
        'a device',
        '/console/devices/seen-0',
        {
          'Schedule job for this device': jobs,
          'Disable…': devices,
          'Delete…': devices,
          'Show keys': mayNot('see the keys of devices'),
          'Edit desired…': twins,
          'Edit tags…': twins,
          Call: mayNot('call methods'),
        },
      ],
    ])('of %s learns at each button why it cannot be used', async (name, path, reasons) => {
      const { page } = opened
      await page.goto(path)
      for (const [button, reason] of Object.entries(reasons)) {
        const found = page.getByRole('button', { name: button, disabled: true })
        await found.focus()
        await page.getByRole('tooltip').getByText(reason).waitFor()
        await found.press('Enter')
      }
      expect(await page.getByRole('dialog').count()).toBe(0)
      expect(page.url()).toBe(`${app.addresses.http}${path}`)
      expect(withoutRefusals(await faultsOf(opened, `Viewer, ${name}`))).toEqual([])
    })

    test('finds no way to the page Schedule, and learns there why it is empty', async () => {
      const { page } = opened
      await page.goto('/console/schedule?condition=*')
      await page.getByText(jobs).waitFor()
      const navigation = page.getByRole('navigation', { name: 'Main' })
      expect(await navigation.getByRole('link').allInnerTexts()).toEqual(['Jobs', 'Devices'])
      expect(withoutRefusals(await faultsOf(opened, 'Viewer, schedule'))).toEqual([])
      await page.getByRole('link', { name: 'Back to the first page' }).click()
      await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
      await page.goto('/console/audit')
      await page.getByText(`${mayNot('see who has changed what')} The role admin does.`).waitFor()
    })

    test('cannot call a method by Enter, and learns why', async () => {
      const { page } = opened
      await page.goto('/console/devices/seen-0')
      const panel = page.getByRole('region', { name: 'Call a method' })
      const requests: string[] = []
      page.on('request', (request) => requests.push(request.postData() ?? ''))
      await panel.getByLabel('Method', { exact: true }).fill('reboot')
      await page.keyboard.press('Enter')
      await panel.getByRole('button', { name: 'Call' }).focus()
      await page.getByRole('tooltip').getByText(mayNot('call methods')).waitFor()
      expect(requests.filter((text) => text.includes('invokeDeviceMethod'))).toEqual([])
    })
  })

  describe('fails', () => {
    /** Begins to sign in at a provider that does what `change` makes of it, and resolves with what the console says. */
    const failingBy = async (
      change: (request: URL, back: URL) => URL,
    ): Promise<OpenPage & { readonly text: string }> => {
      const opened = await browser.open({ hub: app.addresses.http })
      const { page } = opened
      await page.route(`${issuer.url}/auth?*`, async (route) => {
        const request = new URL(route.request().url())
        const back = new URL(request.searchParams.get('redirect_uri') ?? '')
        back.searchParams.set('state', request.searchParams.get('state') ?? '')
        back.searchParams.set('iss', issuer.url)
        const next = change(request, back)
        if (next === request) await route.continue({ url: next.href })
        else await route.fulfill({ status: 303, headers: { location: next.href } })
      })
      await page.goto('/console/devices?id=x')
      await signInButton(page).click()
      const text = await page.getByRole('alert').innerText()
      // The address is that of the page that was asked for: nothing is repeated by a reload.
      expect(page.url()).toBe(`${app.addresses.http}/console/devices?id=x`)
      return { ...opened, text }
    }
    const withParameter = (address: URL, name: string, value: string): URL => {
      address.searchParams.set(name, value)
      return address
    }
    const another = 'The answer of the provider does not belong to this sign-in. Sign in again.'

    test.each<[string, (request: URL, back: URL) => URL, string]>([
      [
        'access was denied',
        (_request, back) => withParameter(back, 'error', 'access_denied'),
        'You were not signed in: access was denied at the provider.',
      ],
      [
        'the provider knows no such client',
        (_request, back) =>
          withParameter(withParameter(back, 'error', 'unauthorized_client'), 'error_description', 'x'),
        'The provider refused to sign you in: unauthorized_client (x).',
      ],
      [
        'the state is another one',
        (_request, back) => withParameter(withParameter(back, 'code', 'x'), 'state', 'other'),
        another,
      ],
      [
        'the issuer is another one',
        (_request, back) => withParameter(withParameter(back, 'code', 'x'), 'iss', 'https://other.example'),
        another,
      ],
      ['there is no code', (_request, back) => back, another],
      ['the nonce is another one', (request) => withParameter(request, 'nonce', 'other'), another],
      [
        'the code is another one',
        (_request, back) => withParameter(back, 'code', 'other'),
        'The provider refused to sign you in: invalid_grant (grant request is invalid).',
      ],
    ])('when %s', async (_case, change, sentence) => {
      const { page, text } = await failingBy(change)
      expect(text).toBe(sentence)
      await page.unrouteAll()
      await signInButton(page).click()
      await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor()
    })

    test('when the provider does not answer', async () => {
      const { text } = await failingBy((_request, back) => {
        issuer.answer((request) => request.socket.destroy())
        return withParameter(back, 'code', 'x')
      })
      expect(text).toBe(`${issuer.url} did not answer, or does not allow requests from ${app.addresses.http}.`)
    })

    test('in a tab in which it did not begin, where a person who is signed in stays signed in', async () => {
      const { page } = await signIn('/console/devices')
      await page.getByRole('banner').getByText('Anna').waitFor()
      await page.goto('/console/signed-in?code=x&state=x')
      await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
      await page.getByRole('banner').getByText('Anna').waitFor()

      const other = await browser.open({ hub: app.addresses.http })
      await other.page.goto('/console/signed-in?code=x&state=x')
      await other.page.getByRole('alert').getByText('This sign-in did not begin in this tab. Sign in again.').waitFor()
    })

    test('while the hub has never reached the provider, and says so', async () => {
      const silent = await startIssuer()
      silent.answer((request) => request.socket.destroy())
      const hub = await startHub(silent)
      closers.push(hub.close, silent.close)
      const { page } = await browser.open({ hub: hub.addresses.http })
      await page.goto('/console/')
      await page.getByRole('alert').getByText(`The hub could not reach ${silent.url}, where you sign in.`).waitFor()
      silent.answer(undefined)
      await expect
        .poll(async () => {
          await page.getByRole('button', { name: 'Try again' }).click()
          await page.getByRole('heading', { name: 'Sign in' }).waitFor()
          return await signInButton(page).count()
        })
        .toBe(1)
    })

    test('without encryption, and says so', async () => {
      const hub = app.addresses.http.replace('127.0.0.1', 'hub.example')
      const { page } = await browser.open({ hub })
      await page.goto('/console/')
      const text = `Signing in needs an encrypted connection to the hub. Open the console with https:// instead of ${hub}.`
      await page.getByRole('alert').getByText(text).waitFor()
    })

    test('at a hub whose clock is wrong, and says so', async () => {
      const ahead: Clock = { ...systemClock, now: () => new Date(Date.now() + 3_600_000) }
      const hub = await startApp(settingsFor(issuer), ahead)
      closers.push(hub.close)
      const { page } = await signIn('/console/', hub)
      await page.getByRole('alert').getByText('It is new: the clock of the hub may be wrong.').waitFor()
    })
  })

  test('a token that is valid for longer than a timer can run is not renewed at once', async () => {
    const patient = await startIssuer({ tokenSeconds: 30 * 86_400 })
    const hub = await startHub(patient)
    closers.push(hub.close, patient.close)
    const { page } = await signIn('/console/devices', hub)
    await page.getByRole('status').getByText('Live').waitFor()
    expect(patient.requests.filter((path) => path.startsWith('/token'))).toHaveLength(1)
  })

  /** Milliseconds after which a token is renewed. */
  const untilRenewal = 560_000
  /** Signs in on a page whose clock jumps as the test says. */
  const signInByClock = async (page: Page): Promise<void> => {
    // The tokens are valid for longer than a test takes: it is the clock of the pages that jumps. It begins in the past,
    // because the pages refuse tokens that have expired by their clock.
    await page.clock.install({ time: Date.now() - untilRenewal })
    await page.goto('/console/devices')
    await signInButton(page).click()
    await page.getByRole('status').getByText('Live').waitFor()
  }
  const renewalIn = (page: Page) =>
    page.waitForResponse((response) => response.url() === `${issuer.url}/token` && response.ok())
  const again = (page: Page) => page.getByRole('button', { name: 'Sign in again' })

  test('a page that was too busy to learn in time that no other tab uses its session renews its token', async () => {
    const { page } = await browser.open({ hub: app.addresses.http })
    await signInByClock(page)
    // So every limit has passed before the page learns anything.
    await page.evaluate('AbortSignal.timeout = () => AbortSignal.abort()')
    const outcome = Promise.race([
      renewalIn(page).then(() => 'renewed'),
      again(page)
        .waitFor()
        .then(() => 'ended'),
    ])
    await page.clock.fastForward(untilRenewal)
    expect(await outcome).toBe('renewed')
  })

  test('a duplicated tab does not end the sign-in of the first', async () => {
    const { page } = await browser.open({ hub: app.addresses.http })
    await signInByClock(page)
    const opening = page.waitForEvent('popup')
    await page.evaluate('void open("/console/devices")')
    const duplicate = await opening
    await duplicate.getByRole('status').getByText('Live').waitFor()
    const renewal = Promise.race([renewalIn(page), renewalIn(duplicate)])
    await page.clock.fastForward(untilRenewal)
    await renewal
    await expect.poll(async () => (await again(page).count()) + (await again(duplicate).count())).toBe(1)
    const [first, second] = (await again(page).count()) === 1 ? [duplicate, page] : [page, duplicate]
    await again(second).click()
    await again(second).waitFor({ state: 'detached' }) // the page before the sign-in is live, too
    await second.getByRole('status').getByText('Live').waitFor()
    // The next one would fail if the tabs had used the same refresh token.
    const next = renewalIn(first)
    await first.clock.fastForward(untilRenewal)
    await next
    expect((await again(first).count()) + (await again(second).count())).toBe(0)
  })

  test('a duplicated tab that has signed in again renews its token, although it still waits for its former session', async () => {
    const { page } = await browser.open({ hub: app.addresses.http })
    // A tab waits for a session that another one has until the test says.
    await page.context().addInitScript(`
      const limit = new AbortController()
      AbortSignal.timeout = () => limit.signal
      window.giveUp = () => limit.abort()`)
    await signInByClock(page)
    const opening = page.waitForEvent('popup')
    await page.evaluate('void open("/console/devices")')
    const duplicate = await opening
    await duplicate.getByRole('status').getByText('Live').waitFor()
    const winner = Promise.race([renewalIn(page).then(() => page), renewalIn(duplicate).then(() => duplicate)])
    await page.clock.fastForward(untilRenewal)
    const second = (await winner) === page ? duplicate : page
    await second.evaluate('giveUp()')
    // The page that the sign-in leads to begins with the former session, and waits for it.
    await again(second).click()
    await again(second).waitFor({ state: 'detached' }) // the page before the sign-in is live, too
    await second.getByRole('status').getByText('Live').waitFor()
    const outcome = Promise.race([
      renewalIn(second).then(() => 'renewed'),
      again(second)
        .waitFor()
        .then(() => 'ended'),
    ])
    await second.clock.fastForward(untilRenewal)
    await second.evaluate('giveUp()')
    expect(await outcome).toBe('renewed')
    await second.getByRole('status').getByText('Live').waitFor()
    expect(await again(second).count()).toBe(0)
  })

  describe('with tokens that are valid for a few seconds', () => {
    let brief: Issuer
    let hub: TestApp

    beforeAll(async () => {
      brief = await startIssuer({ tokenSeconds: 8 })
      hub = await startHub(brief)
      const cloudToDeviceMethod = { methodName: 'reboot' }
      const startTime = new Date(Date.now() + 86_400_000).toISOString()
      for (const jobId of ['a', 'b', 'c']) {
        const { scheduleDeviceMethod } = await owner(hub).execute(ScheduleMethod, {
          input: { jobId, queryCondition: '*', startTime, cloudToDeviceMethod },
        })
        expect(scheduleDeviceMethod).toHaveProperty('job')
      }
    })
    afterEach(() => brief.answer(undefined))
    afterAll(async () => {
      await hub.close()
      await brief.close()
    })

    /** The sockets that a page opens from now on, and the answers to renewals on them. */
    const socketsOf = (page: Page) => {
      const seen: { sockets: number; expiries: string[] } = { sockets: 0, expiries: [] }
      page.on('websocket', (socket) => {
        seen.sockets++
        socket.on('framereceived', ({ payload }) => {
          const message = JSON.parse(String(payload))
          if (message.type !== 'pong' || message.payload === undefined) return
          expect(message.payload).not.toHaveProperty('error')
          seen.expiries.push(message.payload.expiresAt)
        })
      })
      return seen
    }
    const refuse: RequestListener = (_request, response) =>
      response
        .writeHead(400, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
        .end('{"error":"invalid_grant"}')

    test('a page is live over two renewals, on the same connection', async () => {
      const { page, complaints } = await browser.open({ hub: hub.addresses.http })
      const seen = socketsOf(page)
      await page.goto('/console/jobs/a')
      await signInButton(page).click()
      await page.getByRole('status').getByText('Live').waitFor()
      await expect.poll(() => seen.expiries.length).toBeGreaterThanOrEqual(2)
      expect([...seen.expiries].sort()).toEqual([...new Set(seen.expiries)])
      await owner(hub).execute(CancelJob, { input: { jobId: 'a' } })
      await page.getByRole('region', { name: 'History' }).getByText('Cancelled').waitFor()
      expect(seen.sockets).toBe(1)
      expect(withoutRefusals(complaints())).toEqual([])

      const asked = page.waitForRequest((request) => request.url().endsWith('/graphql'))
      await page.getByRole('link', { name: 'Devices' }).click()
      const { authorization = '' } = await (await asked).allHeaders()
      expect(Number(claimsOf(authorization.slice('Bearer '.length))?.exp)).toBeGreaterThanOrEqual(
        Date.parse(seen.expiries[1] ?? '') / 1_000,
      )
    })

    test('a provider that does not answer for longer than a token is valid interrupts nothing', async () => {
      const { page } = await browser.open({ hub: hub.addresses.http })
      const seen = socketsOf(page)
      await page.goto('/console/jobs/b')
      await signInButton(page).click()
      await page.getByRole('status').getByText('Live').waitFor()
      brief.answer((request) => request.socket.destroy())
      const notice = page.getByRole('alert').getByText('because the provider does not answer')
      await notice.waitFor()
      brief.answer(undefined)
      await notice.waitFor({ state: 'detached' })
      await owner(hub).execute(CancelJob, { input: { jobId: 'b' } })
      const cancelled = page.getByRole('region', { name: 'History' }).getByText('Cancelled')
      await cancelled.waitFor()
      expect(seen.sockets).toBe(1)

      // Loaded again with a token that has expired, the page waits for the provider.
      brief.answer((request) => request.socket.destroy())
      const authorization = `Bearer ${await brief.mint({ exp: Math.floor(Date.now() / 1_000) - 3_600 })}`
      await page.evaluate(`
        const { renewal } = JSON.parse(sessionStorage.getItem('twincast-credential'))
        const expired = { ...renewal, renewAt: 0, expiresAt: 0 }
        sessionStorage.setItem('twincast-credential', JSON.stringify({ authorization: '${authorization}', renewal: expired }))
        location.reload()`)
      await page.getByRole('alert').getByText(`${brief.url} does not answer`).waitFor()
      brief.answer(undefined)
      await cancelled.waitFor()
    })

    test('a token that the hub refuses is renewed at once', async () => {
      const { page } = await browser.open({ hub: hub.addresses.http })
      const sockets: WebSocketRoute[] = []
      await page.routeWebSocket('**/graphql', (socket) => {
        sockets.push(socket)
        socket.connectToServer()
      })
      await page.goto('/console/jobs/c')
      await signInButton(page).click()
      await page.getByRole('status').getByText('Live').waitFor()
      const renewed = page.waitForResponse(`${brief.url}/token`)
      const lost = page.getByRole('status').getByText('Reconnecting').waitFor()
      await sockets[0]?.close({ code: 4403, reason: 'TOKEN_EXPIRED' })
      await Promise.all([lost, renewed])
      await page.getByRole('status').getByText('Live').waitFor()
      expect(sockets).toHaveLength(2)
      await owner(hub).execute(CancelJob, { input: { jobId: 'c' } })
      await page.getByRole('region', { name: 'History' }).getByText('Cancelled').waitFor()

      await page.route('**/graphql', (route) => route.fulfill({ status: 401 }), { times: 1 })
      await page.getByRole('link', { name: 'Devices' }).click()
      await page.getByRole('heading', { name: 'No devices yet' }).waitFor()
    })

    test('a sign-in that cannot be renewed leaves the page, and signing in again leads back to it and its draft', async () => {
      const opened = await browser.open({ hub: hub.addresses.http })
      const { page } = opened
      await page.goto('/console/schedule?condition=*')
      await signInButton(page).click()
      const method = page.getByLabel('Method', { exact: true })
      await method.fill('rebo')
      brief.answer(refuse)
      const again = page.getByRole('alert').getByRole('button', { name: 'Sign in again' })
      await again.waitFor()
      await method.fill('reboot')
      brief.answer(undefined)
      const faults = await faultsOf(opened, 'Schedule, sign-in ended')
      expect(faults.filter((text) => !text.includes('400') && !text.includes('401'))).toEqual([])
      await again.click()
      await again.waitFor({ state: 'detached' })
      await page.getByRole('banner').getByText('Anna').waitFor()
      expect(page.url()).toBe(`${hub.addresses.http}/console/schedule`)
      expect(await method.inputValue()).toBe('reboot')
      expect(await again.count()).toBe(0)
    })
  })
})
