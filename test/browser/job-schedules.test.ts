import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreateSchedule, CreateTemplate, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { namesPerAttempt } from '../support/attempt-names.ts'
import { describeInBrowser, faultsOf, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'

describeInBrowser('the pages of job schedules', () => {
  let browser: TestBrowser
  let app: TestApp
  let opened: OpenPage
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    const cloudToDeviceMethod = { methodName: 'reboot' }
    const { createJobTemplate } = await app.client.execute(CreateTemplate, {
      input: { templateId: 'reboot-pumps', queryCondition: "tags.kind = 'pump'", cloudToDeviceMethod },
    })
    expect(createJobTemplate).toEqual({ jobTemplate: { templateId: 'reboot-pumps' } })
    opened = await browser.open({ hub: app.addresses.http, timezoneId: 'Europe/Berlin' })
    page = opened.page
    await page.goto('/console/jobs')
    await page.getByRole('navigation', { name: 'About jobs' }).getByRole('link', { name: 'Schedules' }).click()
    await page.getByRole('heading', { name: 'No schedules yet' }).waitFor()
  })
  afterAll(async () => {
    expect(opened.complaints()).toEqual([])
    await browser.close()
    await app.close()
  })

  const nameOf = namesPerAttempt()
  /** A schedule of this attempt, and its page. */
  const givenSchedule = async (): Promise<string> => {
    const scheduleId = nameOf('nightly')
    const { createJobSchedule } = await app.client.execute(CreateSchedule, {
      input: {
        scheduleId,
        templateId: 'reboot-pumps',
        cron: '30 2 * * MON-FRI',
        timeZone: 'Europe/Berlin',
        description: 'pumps in the night',
      },
    })
    expect(createJobSchedule).toEqual({ jobSchedule: { scheduleId } })
    await page.goto(`/console/schedules/${scheduleId}`)
    return scheduleId
  }
  const dialog = (name: string): Locator => page.getByRole('dialog', { name })
  const action = (name: string): Promise<void> =>
    page.getByRole('main').getByRole('button', { name, exact: true }).click()

  test('the navigation marks the page that they belong to', async () => {
    const main = page.getByRole('navigation', { name: 'Main' })
    expect(await main.locator('[aria-current="page"]').innerText()).toBe('Jobs')
    expect(await faultsOf(opened, 'Schedules, none')).toEqual([])
  })

  test('a schedule is created: what is wrong is said at its field, and Escape asks', async () => {
    const scheduleId = nameOf('nightly')
    await page.goto('/console/schedules')
    await action('Create schedule…')
    const form = dialog('Create schedule')
    expect(await form.getByLabel('Time zone').inputValue()).toBe('Europe/Berlin')
    await form.getByText('Every day at 02:30').waitFor()
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('Enter an ID, such as nightly.').waitFor()
    expect(await form.getByLabel('Schedule ID').and(page.locator(':focus')).count()).toBe(1)
    await form.getByLabel('Schedule ID').fill(scheduleId)
    await page.keyboard.press('Escape')
    await dialog('Discard your changes?').getByRole('button', { name: 'Keep editing' }).click()
    const proposals = form.locator(`datalist[id="${await form.getByLabel('Template').getAttribute('list')}"] option`)
    await expect
      .poll(() => proposals.evaluateAll((all) => all.map((one) => one.getAttribute('value'))))
      .toContain('reboot-pumps')
    await form.getByLabel('Template').fill('nowhere')
    await form.getByLabel('Times (cron)').fill('30 2 30 2 *')
    await page.keyboard.press('Enter')
    await form.getByText('This never has a time: the day does not exist.').waitFor()
    await form.getByLabel('Times (cron)').fill('30 2 * * MON-FRI')
    await form.getByText('Monday to Friday at 02:30').waitFor()
    await page.keyboard.press('Enter')
    await form.getByText('There is no job template').waitFor()
    expect(await faultsOf(opened, 'Schedules, create')).toEqual([])
    await form.getByLabel('Template').fill('reboot-pumps')
    await form.getByLabel('Description').fill('pumps in the night')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: scheduleId, level: 1 }).waitFor()
    await page.getByText('Monday to Friday at 02:30, Europe/Berlin').waitFor()
    expect(await page.getByRole('region', { name: 'Next times' }).getByRole('listitem').count()).toBe(5)
    await page.getByText('No planned time has passed yet.').waitFor()
  })

  test('its page shows what it did at the last times, and leads to the jobs', async () => {
    const scheduleId = await givenSchedule()
    const jobId = `${scheduleId}-20260301T0130Z`
    const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
      input: { jobId, queryCondition: "tags.kind = 'pump'", cloudToDeviceMethod: { methodName: 'reboot' } },
    })
    expect(scheduleDeviceMethod).toHaveProperty('job')
    await app.database.pool.query(
      `insert into job_schedule_run (schedule_id, time, outcome, job_id, reason) values
      ($1, '2026-03-01T01:30Z', 'scheduled', $2, null),
      ($1, '2026-02-28T01:30Z', 'overlapped', null, null),
      ($1, '2026-02-27T01:30Z', 'refused', null, 'A device group is too long.')`,
      [scheduleId, jobId],
    )
    await action('Refresh')
    const runs = page.getByRole('table', { name: 'Last runs' })
    await runs.getByText('A device group is too long.').waitFor()
    await runs.getByText('An earlier job had not ended.').waitFor()
    expect(await faultsOf(opened, 'Schedule')).toEqual([])
    await page.goto('/console/schedules')
    const list = page.getByRole('table', { name: 'Schedules' })
    await list.getByRole('link', { name: `Job ${jobId}: No devices` }).waitFor()
    await list.getByRole('row', { name: scheduleId }).getByText('pumps in the night').waitFor()
    expect(await faultsOf(opened, 'Schedules')).toEqual([])
    await list.getByRole('link', { name: scheduleId, exact: true }).click()
    await runs.getByRole('link', { name: jobId, exact: true }).click()
    await page.getByRole('heading', { name: jobId, level: 1 }).waitFor()
    await page.getByRole('region', { name: 'Job details' }).getByRole('link', { name: scheduleId, exact: true }).click()
    await page.getByRole('heading', { name: scheduleId, level: 1 }).waitFor()
  })

  test('it is changed, unless somebody else has changed it since', async () => {
    const scheduleId = await givenSchedule()
    const { page: other } = await browser.open({ hub: app.addresses.http })
    await other.goto(`/console/schedules/${scheduleId}`)
    for (const each of [page, other]) await each.getByRole('button', { name: 'Edit…' }).click()
    const form = other.getByRole('dialog', { name: `Edit schedule ${scheduleId}` })
    await form.getByLabel('Times (cron)').fill('0 4 * * SUN')
    await form.getByRole('button', { name: 'Save' }).click()
    await other.getByText('Every Sunday at 04:00, Europe/Berlin').waitFor()
    const stale = dialog(`Edit schedule ${scheduleId}`)
    await stale.getByLabel('Description').fill('at weekends')
    expect(await faultsOf(opened, 'Schedule, edit')).toEqual([])
    await stale.getByRole('button', { name: 'Save' }).click()
    await stale.getByRole('alert').getByText('Changed by someone else.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.getByText('Every Sunday at 04:00, Europe/Berlin').waitFor()
  })

  test('it is paused and resumed, says why the hub has paused it, and is deleted', async () => {
    const scheduleId = await givenSchedule()
    await action('Pause…')
    await dialog('Pause this schedule?').getByRole('button', { name: 'Pause schedule' }).click()
    await page.getByText('None while it is paused.').waitFor()
    await action('Resume…')
    await dialog('Resume this schedule?').getByRole('button', { name: 'Resume schedule' }).click()
    await page.getByText('None while it is paused.').waitFor({ state: 'detached' })

    // The page may read the schedule once more because of the resumption, and then offers no pause.
    await action('Pause…')
    const question = dialog('Pause this schedule?')
    await app.database.pool.query(
      `update job_schedule set status = 'paused', next_time = null, status_reason = 'Its author may no longer schedule jobs.'
       where id = $1`,
      [scheduleId],
    )
    await question.getByRole('button', { name: 'Pause schedule' }).click()
    await question.getByRole('alert').getByText('is paused, and not active').waitFor()
    await page.keyboard.press('Escape')
    await action('Refresh')
    await page.getByText('The hub has paused this schedule: Its author may no longer schedule jobs.').waitFor()
    expect(await faultsOf(opened, 'Schedule, paused')).toEqual([])

    await action('Delete…')
    await dialog('Delete this schedule?').getByRole('button', { name: 'Delete schedule' }).click()
    await page.getByRole('heading', { name: 'Schedules', level: 1 }).waitFor()
    await page.goto(`/console/schedules/${scheduleId}`)
    await page.getByRole('heading', { name: 'Schedule not found' }).waitFor()
  })
})
