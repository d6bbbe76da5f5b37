import { pause } from '../../src/cli/abortable.ts'
import type { HubClient } from '../../src/cli/hub-client.ts'
import { ScheduleMethod } from '../../test/journeys/operations.ts'
import type { TestBrowser } from '../../test/support/browser.ts'

/** Devices per minute and job: the work is the same in each minute, so that the CPU time can be compared. */
const maxPerMinute = 480
const minute = 60_000
/** Milliseconds until a page is at rest after its load. */
const settling = 10_000

/** What a page used: the heap after garbage collection, at the beginning and at the end, and the CPU in each minute. */
export type Usage = { readonly heap: readonly [number, number]; readonly cpu: readonly number[] }

/** Watches the page of a job and the list of jobs while two jobs run. */
export async function measureRunningJobs(
  browser: TestBrowser,
  { http, client, condition }: { readonly http: string; readonly client: HubClient; readonly condition: string },
  minutes: number,
  signal: AbortSignal,
): Promise<{ readonly job: Usage; readonly list: Usage }> {
  for (const jobId of ['long-1', 'long-2']) {
    await client.execute(ScheduleMethod, {
      input: {
        jobId,
        queryCondition: condition,
        maxExecutionTimeInSeconds: (minutes + 10) * 60,
        cloudToDeviceMethod: { methodName: 'reboot' },
        rollout: { maxPerMinute },
      },
    })
  }
  const [job, list] = await Promise.all([
    openWatched(browser, http, '/console/jobs/long-1'),
    openWatched(browser, http, '/console/jobs'),
  ])
  try {
    await pause(settling, signal)
    const heapBefore = [await job.heap(), await list.heap()] as const
    const cpu = { job: [] as number[], list: [] as number[] }
    let before = [await job.cpuSeconds(), await list.cpuSeconds()] as const
    let since = performance.now()
    for (let passed = 0; passed < minutes; passed++) {
      await pause(since + minute - performance.now(), signal)
      const after = [await job.cpuSeconds(), await list.cpuSeconds()] as const
      const seconds = (performance.now() - since) / 1000
      cpu.job.push(((after[0] - before[0]) / seconds) * 100)
      cpu.list.push(((after[1] - before[1]) / seconds) * 100)
      before = after
      since = performance.now()
    }
    return {
      job: { heap: [heapBefore[0], await job.heap()], cpu: cpu.job },
      list: { heap: [heapBefore[1], await list.heap()], cpu: cpu.list },
    }
  } finally {
    await Promise.all([job.close(), list.close()])
  }
}

async function openWatched(browser: TestBrowser, http: string, path: string) {
  const { page } = await browser.open({ hub: http })
  await page.goto(path)
  await page.getByRole('status').getByText('Live').waitFor()
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  const metric = async (wanted: string): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN
  }
  return {
    /** Of the process that renders the page. */
    cpuSeconds: () => metric('ProcessTime'),
    async heap() {
      await devtools.send('HeapProfiler.collectGarbage')
      return await metric('JSHeapUsedSize')
    },
    close: () => page.context().close(),
  }
}

/** `6.1 → 7.8 MB` */
export const describeHeap = ({ heap: [before, after] }: Usage): string =>
  `${(before / 1e6).toFixed(1)} → ${(after / 1e6).toFixed(1)} MB`

/** `6.6 → 8.4 → 8.9 %` */
export const describeCpu = ({ cpu }: Usage): string => `${cpu.map((share) => share.toFixed(1)).join(' → ')} %`

/** The rate of each of the jobs, in words. */
export const describeRate = `${maxPerMinute / 60} ends/s per job`
