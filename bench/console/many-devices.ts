import type { HubClient } from '../../src/cli/hub-client.ts'
import { ScheduleTwin, WatchStatistics } from '../../test/journeys/operations.ts'
import type { TestBrowser } from '../../test/support/browser.ts'
import { hasRows, lookFor, seenOn, shows, sinceNavigation } from './sights.ts'

/** Milliseconds until pages about a large fleet show what they are for. `building`: a tag of 1 device in 1,000. */
export async function measureManyDevices(
  browser: TestBrowser,
  {
    http,
    client,
    fleet,
    count,
  }: { readonly http: string; readonly client: HubClient; readonly fleet: string; readonly count: number },
): Promise<string> {
  const { page } = await browser.open({ hub: http })
  try {
    await lookFor(page, { row: hasRows('Devices') }, { before: true })
    await page.goto('/console/devices')
    const firstRows = await sinceNavigation(page)

    const condition = page.getByRole('textbox', { name: 'Condition' })
    await condition.fill('tags.building = 7')
    await lookFor(page, { found: shows('main [role="status"]', /^[\d,]+ found$/) })
    const entered = Date.now()
    await condition.press('Enter')
    const { found = Number.NaN } = await seenOn(page)
    const foundText = await page.getByText(/^[\d,]+ found$/).innerText()

    const jobId = 'whole-fleet'
    await client.execute(ScheduleTwin, {
      input: { jobId, queryCondition: `tags.fleet = '${fleet}'`, updateTwin: { tags: { seen: true } } },
    })
    for await (const _ of client.subscribe(WatchStatistics, { jobId }));
    const { page: other } = await browser.open({ hub: http })
    const shown = new RegExp(`^succeeded\\s*${count.toLocaleString('en-GB')}$`)
    await lookFor(
      other,
      { counter: shows('[aria-label="Progress"] li', shown), row: hasRows('Devices in this job') },
      { before: true },
    )
    await other.goto(`/console/jobs/${jobId}`)
    const jobPage = await sinceNavigation(other)
    await other.context().close()
    return `first rows of Devices ${Math.round(firstRows)} ms; condition on a tag, ${foundText}: ${found - entered} ms; page of a job on all of them ${Math.round(jobPage)} ms`
  } finally {
    await page.context().close()
  }
}
