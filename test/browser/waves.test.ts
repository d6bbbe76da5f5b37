import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import { ScheduleMethod, ScheduleTwin } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { namesPerAttempt } from '../support/attempt-names.ts'
import { describeInBrowser, faultsOf, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'

describeInBrowser('the waves of a job', () => {
  let browser: TestBrowser
  let app: TestApp
  /** Another actor than the pages, which have no token. So they may approve what it schedules. */
  let owner: HubClient
  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    owner = createHubClient({ url: app.addresses.graphql, authorization: app.ownerToken })
    await registerFleet(app.client, 'mill', 3, () => ({ kind: 'offline' }))
  })
  afterAll(async () => {
    owner.close()
    await browser.close()
    await app.close()
  })

  const jobIdIn = namesPerAttempt()

  const wavesOf = (page: Page): Locator => page.getByRole('region', { name: 'Waves' })
  const waveOf = (page: Page, number: number): Locator =>
    wavesOf(page)
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: `Wave ${number}`, exact: true }) })

  test('are opened by hand while the gate waits, which other pages show without asking', async () => {
    const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
      input: {
        jobId: jobIdIn('by-hand'),
        queryCondition: '*',
        cloudToDeviceMethod: { methodName: 'reboot' },
        rollout: { waves: [{ devices: 1, gate: { succeededPercent: 50, soakSeconds: 60 } }, {}] },
      },
    })
    expect(scheduleDeviceMethod).toEqual({ job: { jobId: jobIdIn('by-hand') } })
    const waiting = '0 of 1 succeeded, needs 50 %, then a soak of 1 min'

    const { page: watcher } = await browser.open({ hub: app.addresses.http })
    await watcher.goto(`/console/jobs/${jobIdIn('by-hand')}`)
    await waveOf(watcher, 1).getByText(waiting, { exact: true }).waitFor()
    await watcher.getByRole('status').getByText('Live').waitFor()
    // From now on, it learns from its subscription only.
    await watcher.route('**/graphql', (route) => route.abort())

    const opened = await browser.open({ hub: app.addresses.http })
    const { page } = opened
    await page.goto(`/console/jobs/${jobIdIn('by-hand')}`)
    await waveOf(page, 1).getByText(waiting, { exact: true }).waitFor()
    await waveOf(page, 2).getByText('Not opened yet', { exact: true }).waitFor()
    await waveOf(page, 2).getByText('2 devices', { exact: true }).waitFor()
    expect(await page.evaluate<number>('layoutShift')).toBeLessThan(0.05)
    expect(await faultsOf(opened, 'Job, waves')).toEqual([])

    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Page, job, device or action' }).fill('open wave')
    await page.getByRole('option', { name: 'Open wave 2…' }).waitFor()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Open wave 2?' })
    await dialog.getByText(`This skips the gate of wave 1: ${waiting}.`).waitFor()
    expect(await faultsOf(opened, 'Job, open a wave')).toEqual([])
    await dialog.getByLabel('Reason').fill('the mill waits')
    await page.keyboard.press('Enter')
    await waveOf(page, 1).getByText('Gate skipped', { exact: true }).waitFor()
    await page.getByRole('region', { name: 'History' }).getByText('the mill waits').waitFor()
    for (const each of [page, watcher]) {
      await waveOf(each, 2).getByText('Open', { exact: true }).waitFor()
      expect(
        await wavesOf(each)
          .getByRole('button', { name: /wave 2/ })
          .count(),
      ).toBe(0)
    }
  })

  /** A wave that passes its gate at once, and whose next one has to be approved. */
  const decided = { devices: 1, gate: { succeededPercent: 100, approval: true } }

  /** Schedules a job whose first wave passes its gate at once, and shows it. */
  const givenPassed = async (name: string): Promise<Page> => {
    const jobId = jobIdIn(name)
    const { scheduleTwinUpdate } = await owner.execute(ScheduleTwin, {
      input: {
        jobId,
        queryCondition: '*',
        updateTwin: { tags: { checked: jobId } },
        rollout: { waves: [decided, {}] },
      },
    })
    expect(scheduleTwinUpdate).toEqual({ job: { jobId } })
    const { page } = await browser.open({ hub: app.addresses.http })
    await page.goto(`/console/jobs/${jobId}`)
    await waveOf(page, 1).getByText('Waits for approval', { exact: true }).waitFor()
    expect(await wavesOf(page).getByRole('button', { name: 'Open wave 2…' }).count()).toBe(0)
    return page
  }

  test('are opened by an approval where the gate requires one', async () => {
    const page = await givenPassed('approved')
    await wavesOf(page).getByRole('button', { name: 'Approve wave 2…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Approve wave 2?' })
    await dialog.getByRole('button', { name: 'Approve wave 2' }).click()
    await waveOf(page, 1).getByText('Passed', { exact: true }).waitFor()
    await waveOf(page, 2).getByText('Finished', { exact: true }).waitFor()
    await waveOf(page, 2).getByText('2 succeeded', { exact: true }).waitFor()
  })

  test('are not opened by an answer to the question about another one', async () => {
    const { scheduleTwinUpdate } = await owner.execute(ScheduleTwin, {
      input: {
        jobId: jobIdIn('stale'),
        queryCondition: '*',
        updateTwin: { tags: { checked: 'stale' } },
        rollout: { waves: [decided, decided, {}] },
      },
    })
    expect(scheduleTwinUpdate).toEqual({ job: { jobId: jobIdIn('stale') } })
    const [{ page }, { page: other }] = [
      await browser.open({ hub: app.addresses.http }),
      await browser.open({ hub: app.addresses.http }),
    ]
    for (const each of [page, other]) {
      await each.goto(`/console/jobs/${jobIdIn('stale')}`)
      await wavesOf(each).getByRole('button', { name: 'Approve wave 2…' }).click()
    }
    await other.getByRole('dialog').getByRole('button', { name: 'Approve wave 2' }).click()
    await wavesOf(other).getByRole('button', { name: 'Approve wave 3…' }).waitFor()
    const dialog = page.getByRole('dialog', { name: 'Approve wave 2?' })
    await dialog.getByRole('button', { name: 'Approve wave 2' }).click()
    await dialog.getByRole('alert').waitFor()
    await wavesOf(page).getByRole('button', { name: 'Approve wave 3…', includeHidden: true }).waitFor()
  })

  test('are not opened when they are rejected, until the job is resumed and the opening approved', async () => {
    const page = await givenPassed('rejected')
    await wavesOf(page).getByRole('button', { name: 'Reject wave 2…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Reject wave 2?' })
    await dialog.getByText('Wave 2 is not opened, and the job is paused.').waitFor()
    await dialog.getByRole('button', { name: 'Reject wave 2' }).click()
    await waveOf(page, 1).getByText('Wave 2 was not approved. Resume the job before you approve wave 2').waitFor()
    expect(
      await wavesOf(page)
        .getByRole('button', { name: /wave 2/ })
        .count(),
    ).toBe(0)

    await page.getByRole('button', { name: 'Resume…' }).click()
    await page.getByRole('dialog', { name: 'Resume this job?' }).getByRole('button', { name: 'Resume job' }).click()
    await wavesOf(page).getByRole('button', { name: 'Approve wave 2…' }).click()
    await page.getByRole('dialog', { name: 'Approve wave 2?' }).getByRole('button', { name: 'Approve wave 2' }).click()
    await waveOf(page, 2).getByText('Finished', { exact: true }).waitFor()
  })
})
