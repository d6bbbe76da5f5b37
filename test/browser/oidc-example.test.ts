import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'
import { killScripts, type RunningScript, startScript } from '../support/script.ts'

// A person in a browser, on a page of another origin than the hub: npm run example:oidc, with tokens of 10 seconds.

const root = resolve(import.meta.dirname, '../..')

describeInBrowser('npm run example:oidc', () => {
  let folder = ''
  let browser: TestBrowser
  let example: RunningScript
  let origin = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twincast-example-oidc-'))
    browser = await startBrowser()
    const args = ['--token-seconds', '10', '--late-seconds', '40']
    // Without the build before it, because other tests use the files that it would write again.
    example = startScript(root, 'example:oidc', args, { TMPDIR: folder, npm_config_ignore_scripts: 'true' })
    const ready = () => expect(example.lines.join('\n')).toContain('Ctrl-C ends everything')
    await vi.waitFor(ready, { timeout: 100_000 })
    origin = new URL(/^The page +(\S+)/m.exec(example.lines.join('\n'))?.[1] ?? '').origin
  })
  afterAll(async () => {
    await browser?.close()
    killScripts()
    await rm(folder, { recursive: true, force: true })
  })

  const shows = (locator: Locator, text: RegExp | string, options = {}) =>
    expect.poll(() => locator.textContent(), options).toMatch(text)

  /** Opens the page in a browser of its own, and signs a person in. */
  async function signIn(person: string): Promise<OpenPage & { readonly sockets: readonly string[] }> {
    const opened = await browser.open({ hub: origin })
    const sockets: string[] = []
    opened.page.on('websocket', (socket) => sockets.push(socket.url()))
    await opened.page.goto('/')
    await opened.page.getByRole('button', { name: 'Sign in' }).click()
    await opened.page.getByRole('button', { name: person }).click()
    await shows(opened.page.locator('#person'), person)
    return { ...opened, sockets }
  }
  const schedule = async (page: Page, condition: string): Promise<void> => {
    await page.getByLabel('Devices').fill(condition)
    await page.getByRole('button', { name: 'Schedule' }).click()
  }

  test('a person signs in, schedules a job, and watches it for longer than its tokens live', async () => {
    const { page, sockets, complaints } = await signIn('Anna')
    await shows(page.locator('#person'), 'Anna (operator)')
    // Neither the code nor the state of the sign-in stays in the address.
    expect(page.url()).toBe(`${origin}/`)
    await schedule(page, "deviceId IN ['pump-0001', 'pump-0020']")
    const ended = page.locator('#ended')
    await shows(ended, 'pump-0001: completed, status 200')
    expect(await ended.locator('li').count()).toBe(1)

    await shows(ended, 'pump-0020: completed, status 200', { timeout: 120_000 })
    await shows(page.locator('#progress'), '2 of 2 ended, 0 failed. The job has ended: succeeded.')
    await shows(page.locator('#connection'), /^Live. Tokens renewed: ([3-9]|\d\d)/)
    expect(sockets).toHaveLength(1)
    expect(await ended.locator('li').count()).toBe(2)
    expect(await page.evaluate('localStorage.length')).toBe(0)
    expect(complaints()).toEqual([])

    // The tab stays signed in, and the address names the job.
    await page.reload()
    await shows(page.locator('#progress'), 'The job has ended: succeeded.')
    expect(await ended.locator('li').count()).toBe(2)
  }, 200_000)

  test('the page has no faults of accessibility, and reads the reasons of the hub', async () => {
    const opened = await signIn('Berta')
    const { page } = opened
    expect(await faultsOf(opened, 'oidc-example')).toEqual([])
    await schedule(page, '*')
    await shows(page.getByRole('alert'), /Your roles \(north-viewer\) do not grant access/)
  })

  test('a page that shows another job shows nothing more of the one before', async () => {
    const { page } = await signIn('Anna')
    const progress = page.locator('#progress')
    await schedule(page, "deviceId = 'pump-0019'")
    await shows(progress, 'of 1 ended')
    // Its second device ends later than that of the first job, which was called before.
    await schedule(page, "deviceId IN ['pump-0001', 'pump-0019']")
    await shows(progress, 'of 2 ended')
    await progress.evaluate((element) => {
      const lines = new MutationObserver(() =>
        element.setAttribute('data-lines', `${element.dataset.lines ?? ''}|${element.textContent}`),
      )
      lines.observe(element, { childList: true })
    })
    await shows(progress, '2 of 2 ended, 0 failed. The job has ended: succeeded.')
    const lines = (await progress.getAttribute('data-lines'))?.split('|').slice(1) ?? []
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.filter((line) => !line.includes(' of 2 ended'))).toEqual([])
  })

  test('a condition with a mistake is shown with its place', async () => {
    const { page } = await signIn('Anna')
    await schedule(page, 'tags.site = ')
    await shows(page.getByRole('alert'), 'Correct the condition at line 1, column 13')
  })

  test('a person whom the provider no longer renews is asked to sign in again, and is back at the same job', async () => {
    const opened = await signIn('Anna')
    const { page } = opened
    await schedule(page, "deviceId = 'pump-0002'")
    await shows(page.locator('#progress'), 'The job has ended')
    expect(await faultsOf(opened, 'oidc-example-job')).toEqual([])
    const address = page.url()
    await page.route('**/token', (route) => route.fulfill({ status: 400, json: { error: 'invalid_grant' } }))
    // The token of the sign-in is used until it is time for the next one, so the page asks until then.
    await expect
      .poll(async () => {
        if (await page.getByRole('button', { name: 'Sign in' }).isVisible()) return true
        await schedule(page, 'x =')
        return false
      })
      .toBe(true)
    await shows(page.getByRole('alert'), 'Your session at the provider has ended. Sign in again.')
    await page.unroute('**/token')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await shows(page.locator('#person'), 'Anna')
    await shows(page.locator('#progress'), 'The job has ended')
    expect(page.url()).toBe(address)
  })

  test('an address of a sign-in that was used, or that belongs to another tab, signs nobody in', async () => {
    const { page } = await browser.open({ hub: origin })
    await page.goto('/?code=stolen&state=other')
    await shows(page.getByRole('alert'), 'This sign-in did not begin in this tab, or has ended. Sign in again.')
    expect(page.url()).toBe(`${origin}/`)
    expect(await page.getByRole('button', { name: 'Sign in' }).isVisible()).toBe(true)

    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('**/sign-in/**')
    const provider = new URL(page.url()).origin
    await page.goto(`/?code=stolen&state=other&iss=${provider}`)
    await shows(page.getByRole('alert'), 'unexpected "state" response parameter value')
    expect(await page.getByRole('button', { name: 'Sign in' }).isVisible()).toBe(true)
  })

  test('the console of the same hub signs in at the same provider', async () => {
    const console = /^The console +(\S+)/m.exec(example.lines.join('\n'))?.[1] ?? ''
    const { page } = await browser.open({ hub: console })
    await page.goto(console)
    await page.getByRole('button', { name: /^Sign in/ }).click()
    await page.getByRole('button', { name: 'Anna' }).click()
    await page.getByRole('heading', { name: 'Jobs' }).waitFor()
    await shows(page.getByRole('banner'), 'Anna')
  })

  test('a person who may see one site sees half of the devices in the console, and is told so', async () => {
    const console = /^The console +(\S+)/m.exec(example.lines.join('\n'))?.[1] ?? ''
    const { page } = await browser.open({ hub: console })
    await page.goto(new URL('devices', console).href)
    await page.getByRole('button', { name: /^Sign in/ }).click()
    await page.getByRole('button', { name: 'Berta' }).click()
    await page.getByText('10 devices').waitFor()
    await page.getByText("tags.site = 'north'").first().waitFor()
    expect(await page.getByRole('link', { name: 'pump-0002' }).count()).toBe(0)
    await page.getByRole('link', { name: 'pump-0001' }).waitFor()
  })

  test('signing out ends the session in the tab and at the provider', async () => {
    const { page } = await signIn('Anna')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Yes' }).click()
    await page.waitForURL(`${origin}/**`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    // The provider asks for the person again.
    await page.getByRole('button', { name: 'Berta' }).waitFor()
  })

  test('Ctrl-C ends everything', async () => {
    example.interrupt()
    const { code } = await example.ended
    expect(code).toBe(0)
    expect((await readdir(folder)).filter((name) => name.startsWith('twincast'))).toEqual([])
    await expect(fetch(origin)).rejects.toThrow()
    expect(await processesOf(folder)).toEqual([])
  })
})

/** The command lines of processes that name a folder. */
async function processesOf(folder: string): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const lines = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  )
  return lines.filter((line) => line.includes(folder))
}
