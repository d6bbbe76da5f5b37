import { afterAll, beforeAll, expect, test } from 'vitest'
import { CancelJob, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { namesPerAttempt } from '../support/attempt-names.ts'
import { describeInBrowser, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'
import { routeConnection } from '../support/live-connection.ts'

describeInBrowser('the list of jobs', () => {
  let browser: TestBrowser
  let app: TestApp
  const nameOf = namesPerAttempt()
  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    await registerFleet(app.client, 'depot', 1, () => ({ kind: 'offline' }))
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  const schedule = async (jobId: string, queryCondition: string): Promise<void> => {
    const input = { jobId, queryCondition, cloudToDeviceMethod: { methodName: 'reboot' } }
    const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, { input })
    expect(scheduleDeviceMethod).toEqual({ job: { jobId } })
  }

  test('shows that a job has ended while the connection was lost, although many newer jobs exist', async () => {
    await schedule(nameOf('old'), '*')
    // A subscription begins with the newest 100.
    await Promise.all(
      Array.from({ length: 101 }, (_, index) => schedule(nameOf(`newer-${index}`), "deviceId = 'nobody'")),
    )
    const { page } = await browser.open({ hub: app.addresses.http })
    const connection = await routeConnection(page)
    await page.goto('/console/jobs?status=running')
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: nameOf('old'), exact: true }) })
    const live = page.getByRole('status').getByText('Live')
    await row.getByText('Running').waitFor()
    await live.waitFor()

    await connection.cut()
    await page.getByRole('status').getByText('Reconnecting').waitFor()
    const { cancelJob } = await app.client.execute(CancelJob, { input: { jobId: nameOf('old') } })
    expect(cancelJob).toEqual({ job: { status: 'CANCELLED' } })
    connection.restore()
    await live.waitFor()
    await expect.poll(() => row.innerText()).toContain('Cancelled')
  })

  test('needs no file that its page does not name, and less than 190 KB before its first row', async () => {
    await schedule(nameOf('first'), "deviceId = 'nobody'")
    const { page } = await browser.open({ hub: app.addresses.http })
    const html = await (await fetch(`${app.addresses.http}/console/jobs`)).text()
    const files = [...html.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
    await page.route('**/console/assets/*', (route) =>
      files.includes(new URL(route.request().url()).pathname) ? route.continue() : route.abort(),
    )
    await page.goto('/console/jobs')
    await page.getByRole('link', { name: nameOf('first'), exact: true }).waitFor()
    const sizes = files.map(async (path) => {
      const { headers } = await fetch(app.addresses.http + path, { headers: { 'accept-encoding': 'br' } })
      return Number(headers.get('content-length'))
    })
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(190_000)
  })

  test('says since when the hub is out of reach, and offers nothing that needs it until it is back', async () => {
    await schedule(nameOf('long'), '*')
    await givenAge(nameOf('long'), { seconds: 2_000, interval: 16, sampled: 2_000 })
    const { page } = await browser.open({ hub: app.addresses.http, timezoneId: 'America/New_York' })
    const connection = await routeConnection(page)
    await page.goto(`/console/jobs/${nameOf('long')}`)
    const deadline = page
      .getByRole('term')
      .filter({ hasText: /^Deadline$/ })
      .locator('xpath=..')
    const time = page.getByRole('region', { name: 'History' }).getByRole('button').first()
    expect(await time.innerText()).toMatch(/^\d\d? \w+ \d{4}, \d\d:\d\d:\d\d GMT-[45]$/)
    await time.press('Enter')
    expect(await time.innerText()).toMatch(/ UTC$/)
    // All times change, and stay so.
    expect(await deadline.innerText()).toMatch(/ UTC$/)
    await page.getByText('Times in UTC', { exact: true }).waitFor()
    await time.press('Enter')
    expect(await deadline.innerText()).toMatch(/ GMT-[45] \(in .+\)$/)

    await page.getByRole('button', { name: 'Cancel job…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel this job?' })
    const reason = dialog.getByLabel('Reason')
    const confirm = dialog.getByRole('button', { name: 'Cancel job' })
    await page.getByText('Live').waitFor()
    const progress = page.getByRole('region', { name: 'Progress', exact: true })
    const course = page.getByRole('region', { name: 'Progress over time' })
    await progress.getByText('devices/s (last 10 s)').waitFor()
    await course.getByText(/^Times in GMT-[45]$/).waitFor()
    await course.getByRole('img', { name: /^Progress chart\. 0 devices succeeded/ }).waitFor()
    expect(await course.getByText('No data').count()).toBe(0)
    await confirm.focus()

    await connection.cut()
    await page.getByText(/^Connection lost at \d\d:\d\d:\d\d\. Showing the last known state\.$/).waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel job')
    await course.getByText('No data', { exact: true }).waitFor()
    await course.getByText(/No data for \d+ s\.$/).waitFor()
    expect(await progress.getByText('devices/s').count()).toBe(0)
    const why = confirm.locator('xpath=..').getByRole('tooltip')
    expect(await confirm.getAttribute('aria-disabled')).toBe('true')
    expect(await why.innerText()).toContain('while the hub cannot be reached')
    // The requests would get through.
    await reason.press('Enter')
    await dialog.getByRole('button', { name: 'Keep running' }).click()
    for (const name of ['Cancel job…', 'Schedule again']) {
      expect(await page.getByRole('button', { name }).getAttribute('aria-disabled')).toBe('true')
    }

    connection.restore()
    await page.getByRole('link', { name: 'Schedule again' }).waitFor()
    expect(await page.getByText('Connection lost').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Cancel job…' }).getAttribute('aria-disabled')).toBeNull()
    await progress.getByText('0 of 1 devices').waitFor()
    await progress.getByText('devices/s (last 10 s)').waitFor()
    await course.getByText('No data', { exact: true }).waitFor({ state: 'hidden' })
    expect(await page.getByRole('region', { name: 'History' }).getByText('Cancelled').count()).toBe(0)

    // The end of a job that was scheduled in this tab is shown on any page.
    await page.evaluate(`sessionStorage.setItem('twincast-scheduled', '["${nameOf('long')}"]')`)
    await page.goto('/console/devices')
    await page.getByText('Live').waitFor()
    await app.client.execute(CancelJob, { input: { jobId: nameOf('long') } })
    await page
      .getByRole('region', { name: 'Ended jobs' })
      .getByRole('link', { name: `Job ${nameOf('long')} was cancelled` })
      .click()
    await page.getByRole('region', { name: 'History' }).getByText('Cancelled').waitFor()
    expect(await page.evaluate(`sessionStorage.getItem('twincast-scheduled')`)).toBe('[]')
  })

  test('pauses and resumes a job, which is found by its label', async () => {
    await app.client.execute(ScheduleMethod, {
      input: {
        jobId: nameOf('night'),
        name: nameOf('Night of the pumps'),
        description: 'See OPS-7.',
        labels: [{ name: 'team', value: 'north' }],
        queryCondition: '*',
        cloudToDeviceMethod: { methodName: 'reboot' },
        rollout: { maxPerMinute: 600, abort: [{ on: ['FAILED'], percent: 3, action: 'PAUSE' }] },
      },
    })
    const { page } = await browser.open({ hub: app.addresses.http })
    await page.goto(`/console/jobs/${nameOf('night')}`)
    await page.getByText('See OPS-7.').waitFor()
    const controls = page.getByRole('region', { name: 'Progress', exact: true }).getByRole('list', { name: 'Controls' })
    await controls.getByText('Pause when 3 % failed (nothing counted yet)').waitFor()
    await controls.getByText('At most 600 devices per minute').waitFor()
    await page.getByRole('button', { name: 'Pause…' }).click()
    const pausing = page.getByRole('dialog', { name: 'Pause this job?' })
    await pausing.getByLabel('Reason').fill('3 % fail')
    await pausing.getByRole('button', { name: 'Pause job' }).click()
    await controls.getByText(/^Paused by /).waitFor()
    await controls.getByText('“3 % fail”').waitFor()
    expect(await page.getByText('The job is paused. It goes on when it is resumed.').count()).toBe(0)
    await page.getByRole('region', { name: 'History' }).getByText('3 % fail').waitFor()

    await page.getByRole('button', { name: 'Extend…' }).click()
    const extending = page.getByRole('dialog', { name: 'Give this job more time?' })
    await extending.getByLabel('Extend by').selectOption({ index: 2 })
    await extending.getByRole('button', { name: 'Extend job' }).click()
    await page.getByRole('region', { name: 'History' }).getByText('time limit').waitFor()
    await page.getByRole('region', { name: 'Job details' }).getByText('5 h', { exact: false }).first().waitFor()

    await page.getByRole('button', { name: 'Limits…' }).click()
    const limiting = page.getByRole('dialog', { name: 'Change the limits of this job?' })
    await limiting.getByLabel('Calls in progress').fill('0')
    await limiting.getByLabel('Start rate').fill('700')
    await limiting.getByLabel('Raise after (devices)').fill('5')
    await limiting.getByRole('button', { name: 'Change limits' }).click()
    await limiting.getByRole('alert').getByText('The ramp begins at 700 per minute').waitFor()
    expect(await page.evaluate('document.activeElement.value')).toBe('700')
    await limiting.getByLabel('Start rate').fill('20')
    await limiting.getByRole('button', { name: 'Change limits' }).click()
    await limiting.getByRole('alert').getByText('This must be a whole number from 1').waitFor()
    await limiting.getByLabel('Calls in progress').fill('7')
    await limiting.getByRole('button', { name: 'Change limits' }).click()
    await controls.getByText('Starts at 20 per minute, times 2 after each 5 devices that succeed').waitFor()
    await controls.getByText('Now 20 per minute, 40 when 5 more devices succeed').waitFor()

    await page.getByRole('button', { name: 'Limits…' }).click()
    await limiting.getByLabel('Devices per minute').fill('')
    await limiting.getByRole('button', { name: 'Change limits' }).click()
    await limiting.getByRole('alert').getByText('Enter the rate to which the start rate rises').waitFor()
    await limiting.getByLabel('Start rate').fill('')
    await limiting.getByRole('button', { name: 'Change limits' }).click()
    await controls.getByText('At most 600 devices per minute').waitFor({ state: 'detached' })
    await controls.getByText('At most 7 calls in progress').waitFor()
    expect(await controls.getByText('per minute').count()).toBe(0)

    await page.getByRole('link', { name: 'team=north' }).click()
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: nameOf('Night of the pumps') }) })
    await expect.poll(() => row.innerText()).toContain('Paused')
    expect(await page.getByRole('link', { name: /^(long|old)-/ }).count()).toBe(0)
    await page.getByRole('button', { name: 'Remove the filter by the label team=north' }).click()
    const long = page.getByRole('link', { name: /^long-/ }).first()
    await long.waitFor()
    const label = page.getByLabel('Label', { exact: true })
    await label.fill('a b')
    await label.press('Enter')
    await page.getByRole('alert').getByText('The name of a label has only letters').waitFor()
    await label.fill('team')
    await label.press('Enter')
    await page.getByRole('button', { name: 'Remove the filter by the label team', exact: true }).waitFor()
    await long.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Clear' }).click()
    await long.waitFor()
    await page.getByRole('searchbox', { name: 'Search ID, name, method' }).fill('of the PUMPS')
    await long.waitFor({ state: 'detached' })
    expect(new URL(page.url()).search).toBe('?search=of+the+PUMPS')
    await row.getByRole('link', { name: 'Jobs with the label team=north' }).click()
    await page.getByRole('button', { name: 'Remove the filter by the label team=north' }).waitFor()
    await row.getByRole('link', { name: nameOf('Night of the pumps') }).click()

    await page.getByRole('button', { name: 'Resume…' }).click()
    await page.getByRole('dialog', { name: 'Resume this job?' }).getByRole('button', { name: 'Resume job' }).click()
    await page.getByRole('button', { name: 'Pause…' }).waitFor()
    await page.getByRole('region', { name: 'History' }).getByText('Resumed').waitFor()
    await controls.getByText(/^Paused by /).waitFor({ state: 'detached' })

    // A job that waits for another one names it, and leads to it.
    await app.client.execute(ScheduleMethod, {
      input: {
        jobId: nameOf('after'),
        queryCondition: '*',
        onOverlap: 'QUEUE',
        cloudToDeviceMethod: { methodName: 'reboot' },
      },
    })
    await page.goto(`/console/jobs/${nameOf('after')}`)
    const awaited = page.getByRole('list', { name: 'Waiting for' }).getByRole('link')
    // It may be that of an attempt before.
    const [, awaitedId = ''] =
      /^Waiting for job (night-\d+), which has some of the same devices$/.exec(await awaited.innerText()) ?? []
    await awaited.press('Enter')
    await page.getByRole('heading', { name: awaitedId, level: 1, exact: true }).waitFor()
    for (const name of ['after', 'night']) await app.client.execute(CancelJob, { input: { jobId: nameOf(name) } })
  })

  test('shows the progress of a large job that nobody watched, and a sentence for one of seconds', async () => {
    await schedule(nameOf('large'), '*')
    await givenAge(nameOf('large'), { seconds: 600, interval: 4, sampled: 200 })
    const { page } = await browser.open({ hub: app.addresses.http })
    await app.database.pool.query(
      `update job
       set status = 'completed', end_time = now(), device_count = 100000, pending_count = 0, running_count = 0,
           succeeded_count = 99000, refused_count = 500, failed_count = 1000
       where id = $1`,
      [nameOf('large')],
    )
    await page.goto(`/console/jobs/${nameOf('large')}`)
    const course = page.getByRole('region', { name: 'Progress over time' })
    await course.getByRole('img', { name: /^Progress chart\. 98,500 devices succeeded and 1,500 failed/ }).waitFor()
    // On a telephone, no number is cut off, and no filter of the list.
    await page.setViewportSize({ width: 390, height: 844 })
    const progress = page.getByRole('region', { name: 'Progress', exact: true })
    const counters = progress.getByRole('listitem').locator('> span')
    expect(await counters.count()).toBe(12)
    for (const counter of await counters.all()) {
      expect(await counter.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBeLessThanOrEqual(0)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    // Samples are missing after the first 200 seconds.
    await course.getByText(/ in 10 min.* No data for 6 min \d+ s\.$/).waitFor()
    await course.getByText('No data', { exact: true }).waitFor()

    await app.database.pool.query("update job set end_time = started_time + interval '1.6 seconds' where id = $1", [
      nameOf('large'),
    ])
    await app.database.pool.query('delete from job_sample')
    await page.reload()
    await course.getByText('98,500 devices succeeded and 1,500 failed or refused in 2 s.', { exact: true }).waitFor()
    expect(await course.getByRole('img').count()).toBe(0)

    await app.database.pool.query(
      "update job set status = 'cancelled', succeeded_count = 94000, canceled_count = 5000 where id = $1",
      [nameOf('large')],
    )
    await page.reload()
    await progress.getByText('95,000 of 100,000 devices finished, 5,000 not run', { exact: true }).waitFor()
    await page.goto(`/console/jobs?id=${nameOf('large')}`)
    await page.getByText('95,000 of 100,000 · 500 refused · 1,000 failed · 5,000 not run', { exact: true }).waitFor()
    await page.setViewportSize({ width: 390, height: 844 })
    for (const choice of await page.getByRole('group').getByRole('button').all()) {
      const box = await choice.boundingBox()
      expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThanOrEqual(390)
    }
  })

  test('folds a long condition on the page of its job, opens it and copies it', async () => {
    const condition = `deviceId IN [${Array.from({ length: 40 }, (_, index) => `'nobody-${index}'`).join(', ')}]`
    await schedule(nameOf('of-many'), condition)
    const { page } = await browser.open({ hub: app.addresses.http })
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`/console/jobs/${nameOf('of-many')}`)
    const details = page.getByRole('region', { name: 'Job details' })
    const text = details.locator('code').first()
    const isCut = () => text.evaluate(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 1)
    await details.getByRole('button', { name: 'Show all' }).waitFor()
    expect(await isCut()).toBe(true)
    await details.getByRole('button', { name: 'Show all' }).click()
    await details.getByRole('button', { name: 'Show less' }).waitFor()
    expect(await isCut()).toBe(false)
    await details.getByRole('button', { name: 'Copy condition' }).click()
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(condition)
  })

  /** Lets the job have started so long ago, with samples of its first seconds at the interval of its age. */
  async function givenAge(
    jobId: string,
    { seconds, interval, sampled }: { readonly seconds: number; readonly interval: number; readonly sampled: number },
  ): Promise<void> {
    const { pool } = app.database
    await expect
      .poll(async () => (await pool.query("select from job where id = $1 and status = 'running'", [jobId])).rowCount)
      .toBe(1)
    await pool.query("update job set started_time = started_time - $2 * interval '1 second' where id = $1", [
      jobId,
      seconds,
    ])
    await pool.query(
      `insert into job_sample
       select key, second, started_time + second * interval '1 second', pending_count, running_count, 0, 0, 0, 0
       from job, generate_series($2::integer, $3::integer, $2::integer) second
       where id = $1
       on conflict do nothing`,
      [jobId, interval, sampled],
    )
  }
})
