import { abortable } from '../abortable.ts'
import { createHubClient, type HubClient } from '../hub-client.ts'
import { registerDevices } from '../register-devices.ts'
import type { Stop } from '../run-command.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number } from '../terminal/words.ts'
import { type DemoFleet, startDemoFleet } from './fleet.ts'
import { createDemoHub, type DemoHub } from './hub.ts'
import { scheduleJobs } from './jobs.ts'
import { keepRunning } from './keep.ts'
import { createPhases } from './phases.ts'
import { INTERVAL, isOldPump, isRebooted, type PlannedDevice, planFleet, REBOOTED } from './plan.ts'
import { showResults } from './results-shown.ts'
import { watchJobs } from './watch.ts'

/** Milliseconds from scheduling to the start of the jobs. */
const START_DELAY = 3_000

/** What the demo has opened and has to close. */
type Opened = { hub: DemoHub; client?: HubClient; fleet?: DemoFleet }

/** The demo from an empty folder to none. Rejects when anything is not as it has to be, and has cleaned up then too. */
export async function showDemo(
  screen: Screen,
  options: { readonly devices: number; readonly keep: boolean },
  stop: Stop,
): Promise<void> {
  const opened: Opened = { hub: createDemoHub() }
  stop.hurry.addEventListener('abort', () => opened.hub.hurry())
  try {
    await play(screen, options, stop.signal, opened)
  } catch (error) {
    screen.close()
    if (!stop.signal.aborted) for (const line of opened.hub.warnings.slice(-10)) screen.print(line)
    throw error
  } finally {
    screen.live(['Cleaning up …'])
    opened.client?.close()
    await opened.fleet?.close()
    await opened.hub.stop()
    screen.close()
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
  screen.print(screen.style.strong(`Twincast demo: ${counted(devices, 'device')}, two jobs`), '')

  const addresses = await phase('starting a hub', async () => {
    const started = await opened.hub.start()
    return [started, `started a hub with an empty PostgreSQL of its own: ${started.graphql}`]
  })
  const client = createHubClient({ url: addresses.graphql })
  opened.client = client

  const keys = await phase('registering devices', async (say) => {
    const registration = await registerDevices(client, plan.map(inputOf), (done) => say(number(done)))
    return [registration.keys, `registered ${counted(devices, 'device')} by the mutation createDevices`]
  })

  const fleet = await phase('connecting', async (say) => {
    const onProgress = (connected: number): void => say(number(connected))
    const onError = (error: Error): void => failing.abort(error)
    const started = startDemoFleet(plan, { mqtt: addresses.mqtt ?? '', keys }, { onProgress, onError })
    opened.fleet = started
    await started.connect()
    return [started, `connected them over MQTT, from a process of their own: ${addresses.mqtt}`]
  })
  await phase('reporting firmware', async (say) => {
    await fleet.reportFirmware((done) => say(number(done)))
    return [undefined, `had each report its firmware as a reported property`]
  })
  await phase('switching off', async () => {
    await fleet.switchOff(off)
    return [undefined, `switched off ${number(off.length)} of building ${REBOOTED.building}, floor ${REBOOTED.floor}`]
  })

  const startTime = new Date(Date.now() + START_DELAY)
  const jobs = await phase('scheduling', async () => {
    const expected = { rebooted: plan.filter(isRebooted).length, oldPumps: plan.filter(isOldPump).length }
    return [
      await scheduleJobs(client, startTime, expected),
      `scheduled two jobs that start in ${START_DELAY / 1000} s:`,
    ]
  })
  for (const { jobId, does } of jobs) screen.print('', `  ${screen.style.strong(jobId)}`, `    ${does}`)
  screen.print('')

  const ended = await watchJobs(screen, signal, { client, jobs, startTime, fleet, late })
  await abortable(showResults(screen, { client, jobs, ended, fleet }), signal)
  if (keep) await keepRunning(screen, stopped, { addresses, jobs })
}

const inputOf = ({ deviceId, building, floor, kind }: PlannedDevice) => ({
  deviceId,
  twin: { tags: { building, floor, kind }, properties: { desired: { [INTERVAL.name]: INTERVAL.before } } },
})
