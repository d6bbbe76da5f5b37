import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { approveRollout, resumeRollout } from '../../src/cli/demo/documents.ts'
import { installing, refusingImage, repetitionOn, rolloutJob } from '../../src/cli/demo/firmware.ts'
import { createDemoHub } from '../../src/cli/demo/hub.ts'
import { type PlannedDevice, planFleet, tagsOf } from '../../src/cli/demo/plan.ts'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import { registerDevices } from '../../src/cli/register-devices.ts'
import type { JourneyStatisticsSubscription, ScheduleDeviceMethodInput } from '../../src/generated/graphql/graphql.ts'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { CancelJob, ScheduleMethod, ScheduleTwin, WatchStatistics } from '../journeys/operations.ts'
import { browserPath, startBrowser, type TestBrowser } from '../support/browser.ts'
import { withoutBrowser } from '../support/find-browser.ts'
import { photographViews, type Scene } from './screenshot-views.ts'

// `npm run screenshots`: the pictures of the README, of a hub with 2,000 simulated devices and a job that is half done.
// With `--views FOLDER`, those of further states instead, wide and narrow, into that folder.

const { views } = parseArgs({ options: { views: { type: 'string' } } }).values

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
    plan.map((device) => ({ deviceId: device.deviceId, twin: { tags: tagsOf(device) } })),
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
  const http = new URL(graphql).origin
  const browser = await startBrowser()
  if (views !== undefined) {
    await photographViews(browser, http, await scheduleForViews(client, plan), views)
  } else {
    await mkdir(folder, { recursive: true })
    await photograph(client, http, browser)
    const author = createHubClient({ url: graphql, authorization: hub.secondOperator() })
    await photographRollout({ author, client, fleet, plan, http, browser })
    author.close()
  }
  await browser.close()
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

/** Jobs in the states of the views. One that all of its devices refuse, and one that runs. */
async function scheduleForViews(client: HubClient, plan: readonly PlannedDevice[]): Promise<Scene> {
  const refusing = plan.filter((device, index) => behaviourOf(device, index).kind === 'refuse').slice(0, 20)
  const queryCondition = `deviceId IN [${refusing.map(({ deviceId }) => `'${deviceId}'`).join(', ')}]`
  await call(client, { jobId: 'drain-tanks', queryCondition }, 'drain')
  await ended(client, 'drain-tanks')
  // A few at a time, so that some devices have not been contacted.
  const rollout = { maxConcurrent: 30 }
  await call(
    client,
    { jobId: 'blink-floor-3', queryCondition: 'tags.building = 42 AND tags.floor = 3', rollout },
    'blink',
  )
  await ended(client, 'blink-floor-3', 0.3)
  await client.execute(CancelJob, { input: { jobId: 'blink-floor-3', reason: 'wrong floor' } })
  await ended(client, 'blink-floor-3')
  await call(client, { jobId: 'reboot-building-44', queryCondition: 'tags.building = 44' }, 'reboot')
  await ended(client, 'reboot-building-44', 0.3)
  return {
    refused: 'drain-tanks',
    cancelled: 'blink-floor-3',
    running: 'reboot-building-44',
    condition: 'tags.building = 42',
    deviceId: plan.find(({ building }) => building === 41)?.deviceId ?? '',
  }
}

async function photograph(client: HubClient, http: string, browser: TestBrowser): Promise<void> {
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
}

/** The rollout of the demo. Somebody else schedules it, so that the viewer of the pages may approve it. */
async function photographRollout({
  author,
  client,
  fleet,
  plan,
  http,
  browser,
}: {
  readonly author: HubClient
  readonly client: HubClient
  readonly fleet: Fleet
  readonly plan: readonly PlannedDevice[]
  readonly http: string
  readonly browser: TestBrowser
}): Promise<void> {
  const { jobId } = rolloutJob
  await fleet.connect({ deviceIds: plan.map(({ deviceId }) => deviceId) })
  await Promise.all(plan.map(({ deviceId, firmware }) => fleet.report(deviceId, { firmware })))
  for (const { deviceId } of plan) fleet.answerWith(deviceId, refusingImage())
  await author.execute(ScheduleMethod, { input: rolloutJob })
  const sizes = [
    { ending: '', width: 1280, below: 16 },
    // The navigation covers the end of a narrow page.
    { ending: '-narrow', width: 390, below: 72 },
  ] as const
  const pages = await Promise.all(
    sizes.map(async (size) => {
      const { page } = await browser.open({ hub: http, viewport: { width: size.width, height: 1000 } })
      await page.goto(`/console/jobs/${jobId}`)
      return { ...size, page }
    }),
  )
  /** The page down to the end of a panel. */
  const photographAll = async (name: string, panel = 'Waves'): Promise<void> => {
    for (const { ending, width, below, page } of pages) {
      const box = await page.getByRole('region', { name: panel, exact: true }).boundingBox()
      if (box === null) throw new Error(`The page has no panel ${panel}.`)
      await page.setViewportSize({ width, height: Math.ceil(box.y + box.height) + below })
      await page.screenshot({ path: resolve(folder, `rollout-${name}${ending}.png`) })
    }
  }

  await until(author, jobId, ({ status, runningCount }) => status === 'PAUSED' && runningCount === 0)
  for (const { page } of pages) await page.getByRole('button', { name: 'Resume…' }).waitFor()
  await photographAll('gate')

  for (const { deviceId } of plan) fleet.answerWith(deviceId, installing())
  const { entries } = fleet.ledger
  const called = entries.flatMap(({ deviceId, methodName }) =>
    methodName === rolloutJob.cloudToDeviceMethod.methodName ? [deviceId] : [],
  )
  const repetition = repetitionOn(called)
  await author.execute(ScheduleMethod, { input: repetition })
  await ended(author, repetition.jobId)
  await author.execute(resumeRollout, { input: { jobId, reason: 'the image is replaced' } })
  for (const { page } of pages) await page.getByRole('button', { name: 'Approve wave 2…' }).waitFor()
  await photographAll('approval')

  await client.execute(approveRollout, { input: { jobId, wave: 2, reason: 'it works' } })
  await ended(client, jobId, 0.4)
  await photographAll('rest', 'Progress over time')
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
function ended(client: HubClient, jobId: string, share = 2): Promise<void> {
  return until(client, jobId, ({ deviceCount, pendingCount, runningCount }) => {
    return deviceCount > 0 && deviceCount - pendingCount - runningCount >= share * deviceCount
  })
}

type Seen = NonNullable<JourneyStatisticsSubscription['deviceJobStatistics']['deviceJobStatistics']> & {
  readonly status: string
}

/** Resolves when a job is in a state that meets the condition, or has ended. */
async function until(client: HubClient, jobId: string, isMet: (seen: Seen) => boolean): Promise<void> {
  for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId })) {
    const { deviceJobStatistics: counts, job } = deviceJobStatistics
    if (!counts) throw new Error('The job has no counters.')
    if (isMet({ ...counts, status: job.status })) break
  }
}
