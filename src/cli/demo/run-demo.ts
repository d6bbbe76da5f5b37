import { abortable } from '../abortable.ts'
import { createHubClient, type HubClient } from '../hub-client.ts'
import { registerDevices } from '../register-devices.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number } from '../terminal/words.ts'
import { type DemoFleet, startDemoFleet } from './fleet.ts'
import { createDemoHub, type DemoHub } from './hub.ts'
import { scheduleJobs } from './jobs.ts'
import { createPhases } from './phases.ts'
import { isOldPump, isRebooted, newInterval, type PlannedDevice, planFleet, rebootedFloor, tagsOf } from './plan.ts'
import { playRollout } from './rollout.ts'
import { showResults } from './show-results.ts'
import { waitForStop } from './wait-for-stop.ts'
import { watchJobs } from './watch.ts'

/** Milliseconds from scheduling to the start of the jobs. */
const startDelay = 3_000

/** Milliseconds by which the Ctrl-C that caused a failure may arrive after the failure. */
const newsMs = 100
/** How many of the hub's last warnings are shown when the demo fails. */
const shownWarnings = 10

/** What the demo has opened and must close. */
type Opened = { hub: DemoHub; client?: HubClient; approver?: HubClient; fleet?: DemoFleet }

/**
 * Runs the whole demo and removes everything that it created. Rejects, after cleaning up, when a result is not as
 * expected.
 */
export async function runDemo(
  screen: Screen,
  options: { readonly devices: number; readonly keep: boolean },
  signal: AbortSignal,
): Promise<void> {
  const opened: Opened = { hub: createDemoHub() }
  try {
    await play(screen, options, signal, opened)
  } catch (error) {
    // Ctrl-C also ends the process of the devices, and that end may be noticed before the signal.
    await new Promise((resolve) => setTimeout(resolve, newsMs))
    if (signal.aborted) throw signal.reason
    screen.print(...opened.hub.warnings.slice(-shownWarnings))
    throw error
  } finally {
    screen.live(['Cleaning up …'])
    await close(opened)
    screen.close()
    if (signal.aborted) screen.print('Stopped and cleaned up.')
  }
}

async function close({ hub, client, approver, fleet }: Opened): Promise<void> {
  try {
    client?.close()
    approver?.close()
    await fleet?.close()
  } finally {
    await hub.stop()
  }
}

async function play(
  screen: Screen,
  { devices, keep }: { readonly devices: number; readonly keep: boolean },
  stopped: AbortSignal,
  opened: Opened,
): Promise<void> {
  const failing = new AbortController()
  const signal = AbortSignal.any([stopped, failing.signal])
  const phase = createPhases(screen, signal)
  const plan = planFleet(devices)
  const off = plan.filter(({ part }) => part === 'late' || part === 'offline')
  const late = plan.filter(({ part }) => part === 'late')
  screen.print(screen.style.strong(`Twincast demo: ${counted(devices, 'device')}, two jobs and a rollout`), '')

  const addresses = await phase('starting a hub', async () => {
    const started = await opened.hub.start()
    return [started, `started a hub with its own empty PostgreSQL: ${started.graphql}`]
  })
  const client = createHubClient({ url: addresses.graphql })
  opened.client = client

  const keys = await phase('registering devices', async (say) => {
    const onProgress = (done: number): void => say(number(done))
    const registration = await registerDevices(client, plan.map(inputOf), { onProgress, signal })
    return [registration.keys, `registered ${counted(devices, 'device')} with the mutation createDevices`]
  })

  const fleet = await phase('connecting', async (say) => {
    const onProgress = (connected: number): void => say(number(connected))
    const onError = (error: Error): void => failing.abort(error)
    const started = startDemoFleet(plan, { mqtt: addresses.mqtt, keys }, { onProgress, onError })
    opened.fleet = started
    await started.connect()
    return [started, `connected them over MQTT, from a separate process: ${addresses.mqtt}`]
  })
  await phase('reporting firmware', async (say) => {
    await fleet.reportFirmware((done) => say(number(done)))
    return [undefined, `each device reported its firmware as a reported property`]
  })
  await phase('switching off', async () => {
    await fleet.switchOff(off)
    return [
      undefined,
      `switched off ${counted(off.length, 'device')} of building ${rebootedFloor.building}, floor ${rebootedFloor.floor}`,
    ]
  })

  const startTime = new Date(Date.now() + startDelay)
  const jobs = await phase('scheduling', async () => {
    const expected = { rebooted: plan.filter(isRebooted).length, oldPumps: plan.filter(isOldPump).length }
    return [await scheduleJobs(client, startTime, expected), `scheduled two jobs that start in ${startDelay / 1000} s:`]
  })
  for (const { jobId, does } of jobs) screen.print('', `  ${screen.style.strong(jobId)}`, `    ${does}`)
  screen.print('')

  const ended = await watchJobs(screen, signal, { client, jobs, startTime, fleet, late })
  await abortable(showResults(screen, { client, jobs, ended, fleet }), signal)
  const approver = createHubClient({ url: addresses.graphql, authorization: opened.hub.secondOperator() })
  opened.approver = approver
  await abortable(playRollout(screen, { client, approver, fleet, plan, phase }), signal)
  if (keep) await waitForStop(screen, stopped, { addresses, jobs })
}

const inputOf = (device: PlannedDevice) => ({
  deviceId: device.deviceId,
  twin: {
    tags: tagsOf(device),
    ...(device.kind === 'pump' ? { properties: { desired: { [newInterval.name]: newInterval.before } } } : {}),
  },
})
