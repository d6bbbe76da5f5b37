import type { HubClient } from '../../src/cli/hub-client.ts'
import { ScheduleMethod } from '../../test/journeys/operations.ts'
import type { TestBrowser } from '../../test/support/browser.ts'
import { lookFor, seenOn, shows } from './sights.ts'

const jobs = 10

/**
 * How long after the answer of a device its job shows it, in milliseconds: in the counter, in the badge and in the table.
 * `nextAnswer` resolves with the time of the next answer of the device, which has to take some seconds.
 */
export async function measureAnswers(
  browser: TestBrowser,
  { http, client, deviceId }: { readonly http: string; readonly client: HubClient; readonly deviceId: string },
  nextAnswer: () => Promise<number>,
): Promise<string> {
  const delays = { counter: [] as number[], badge: [] as number[], row: [] as number[] }
  const { page } = await browser.open({ hub: http })
  try {
    for (let number = 1; number <= jobs; number++) {
      const jobId = `answer-${number}`
      const answered = nextAnswer()
      await client.execute(ScheduleMethod, {
        input: { jobId, queryCondition: `deviceId = '${deviceId}'`, cloudToDeviceMethod: { methodName: 'reboot' } },
      })
      await page.goto(`/console/jobs/${jobId}`)
      await page.getByRole('status').getByText('Live').waitFor()
      await page.getByRole('table', { name: 'Devices in this job' }).getByText('Running').waitFor()
      await lookFor(page, {
        counter: shows('[aria-label="Progress"] li', /^succeeded\s*1$/),
        badge: shows('main h1 ~ span', /^Succeeded$/),
        row: shows('[role="table"][aria-label="Devices in this job"] [role="row"]', /Succeeded/),
      })
      const [at, { counter = Number.NaN, badge = Number.NaN, row = Number.NaN }] = await Promise.all([
        answered,
        seenOn(page),
      ])
      delays.counter.push(counter - at)
      delays.badge.push(badge - at)
      delays.row.push(row - at)
    }
  } finally {
    await page.context().close()
  }
  return Object.entries(delays)
    .map(([name, all]) => `${name} ${Math.min(...all)}–${Math.max(...all)} ms`)
    .join('; ')
}
