import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createDemoHub } from '../../src/cli/demo/hub.ts'
import { type PlannedDevice, planFleet } from '../../src/cli/demo/plan.ts'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import { registerDevices } from '../../src/cli/register-devices.ts'
import type { ScheduleDeviceMethodInput } from '../../src/generated/graphql/graphql.ts'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { CancelJob, ScheduleMethod, ScheduleTwin, WatchStatistics } from '../journeys/operations.ts'
import { browserPath, startBrowser } from '../support/browser.ts'
import { withoutBrowser } from '../support/find-browser.ts'

// `npm run screenshots`: the pictures of the README, of a hub with 2,000 simulated devices and a job that is half done.

const folder = resolve(import.meta.dirname, '../../docs/images')
/** So long that a slow machine, too, takes the pictures before the job has ended. */
const delayMs = { min: 300, max: 28_000 }

/** Most reboot; some refuse, for two reasons, and some are not there. */
function behaviourOf(_device: PlannedDevice, index: number): Behaviour {
  if (index % 29 === 3) return { kind: 'refuse', status: 409, payload: { reason: 'a filling is under way' } }
  if (index % 61 === 7) return { kind: 'refuse', status: 503, payload: { reason: 'battery low' }, delayMs: 900 }
  if (index % 31 === 11) return { kind: 'offline' }
  return { kind: 'answer', payload: { rebooted: true }, delayMs }
}

if (browserPath === undefined) throw new Error(withoutBrowser)
const hub = createDemoHub()
try {
  const { graphql, mqtt } = await hub.start()
  const client = createHubClient({ url: graphql })
  const plan = planFleet(2_000)
  const { keys } = await registerDevices(
    client,
    plan.map(({ deviceId, building, floor, kind }) => ({ deviceId, twin: { tags: { building, floor, kind } } })),
  )
  const fleet = createFleet({
    host: '127.0.0.1',
    port: Number(new URL(mqtt).port),
    hubName: 'localhost',
    devices: plan.map((device, index) => ({
      deviceId: device.deviceId,
      primaryKey: keys.get(device.deviceId) ?? '',
      behaviour: behaviourOf(device, index),
    })),
  })
  await fleet.connect()
  await scheduleOthers(client)
  await photograph(client, new URL(graphql).origin)
  client.close()
  await fleet.close()
} finally {
  await hub.stop()
}

/** What else there is on the list. */
async function scheduleOthers(client: HubClient): Promise<void> {
  await client.execute(ScheduleTwin, {
    input: {
      jobId: 'interval-of-pumps',
      queryCondition: "tags.kind = 'pump'",
      updateTwin: { properties: { desired: { telemetryInterval: 300 } } },
    },
  })
  await ended(client, 'interval-of-pumps')
  await call(client, { jobId: 'blink-floor-2', queryCondition: 'tags.building = 42 AND tags.floor = 2' }, 'blink')
  await ended(client, 'blink-floor-2', 0.3)
  await client.execute(CancelJob, { input: { jobId: 'blink-floor-2', reason: 'wrong floor' } })
  await call(client, { jobId: 'reboot-building-41', queryCondition: 'tags.building = 41' }, 'reboot')
  await ended(client, 'blink-floor-2')
  await ended(client, 'reboot-building-41')
  const startTime = new Date(Date.now() + 5 * 3_600_000).toISOString()
  await call(client, { jobId: 'nightly-self-test', queryCondition: "tags.kind = 'valve'", startTime }, 'selfTest')
}

async function photograph(client: HubClient, http: string): Promise<void> {
  const browser = await startBrowser()
  await mkdir(folder, { recursive: true })
  const jobs = await browser.open({ hub: http, viewport: { width: 1280, height: 480 } })
  const job = await browser.open({ hub: http, viewport: { width: 1280, height: 1130 } })
  const audit = await browser.open({ hub: http, viewport: { width: 1280, height: 560 } })
  const jobId = 'reboot-building-43'
  await jobs.page.goto('/console/jobs')
  await call(client, { jobId, queryCondition: 'tags.building = 43' }, 'reboot')
  await job.page.goto(`/console/jobs/${jobId}`)
  await ended(client, jobId, 0.6)
  const pictures = { job: job.page, jobs: jobs.page, audit: audit.page }
  for (const [name, page] of Object.entries(pictures)) {
    if (page === audit.page) {
      await page.goto('/console/audit')
      await page.getByRole('table', { name: 'Audit' }).getByRole('link', { name: jobId }).waitFor()
    }
    for (const [ending, colorScheme] of [
      ['', 'light'],
      ['-dark', 'dark'],
    ] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: resolve(folder, `${name}${ending}.png`) })
    }
  }
  await browser.close()
}

async function call(
  client: HubClient,
  job: Omit<ScheduleDeviceMethodInput, 'cloudToDeviceMethod'>,
  methodName: string,
) {
  const cloudToDeviceMethod = { methodName, connectTimeoutInSeconds: 4, responseTimeoutInSeconds: 30 }
  await client.execute(ScheduleMethod, { input: { ...job, cloudToDeviceMethod } })
}

/** Resolves when this share of a job's devices has ended, or the job. */
async function ended(client: HubClient, jobId: string, share = 2): Promise<void> {
  for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId })) {
    const counts = deviceJobStatistics.deviceJobStatistics
    if (!counts) throw new Error('The job has no counters.')
    const { deviceCount, pendingCount, runningCount } = counts
    if (deviceCount > 0 && deviceCount - pendingCount - runningCount >= share * deviceCount) break
  }
}
