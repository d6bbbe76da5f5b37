import { createCommand } from '@commander-js/extra-typings'
import { wholeNumber } from '../../src/cli/options.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { listenForStop } from '../../src/cli/stop.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { ScheduleTwin } from '../../test/journeys/operations.ts'
import { browserPath, startBrowser } from '../../test/support/browser.ts'
import { withoutBrowser } from '../../test/support/find-browser.ts'
import { registerFleet } from '../../test/support/fleet.ts'
import { createClosers } from '../closers.ts'
import { measureAnswers } from './answers.ts'
import { describeBuild } from './build-size.ts'
import { measureManyDevices } from './many-devices.ts'
import { openMeasuredHub } from './measured-hub.ts'
import { describePaints, describeSent, type MeasuredPage, measureLoads, measureSlowLoad } from './page-loads.ts'
import { measureRestart } from './restart.ts'
import { describeCpu, describeHeap, describeRate, measureRunningJobs } from './running-jobs.ts'
import { hasRows } from './sights.ts'

const fleetSize = 3_000
/** Enough for more than a page of the list. */
const listedJobs = 60
/** Milliseconds for which the device takes whose answers are timed: the page is there before. */
const answerDelay = 5_000

/** The pages, with what they show when they are there. The first is the list of jobs. */
const pages: readonly [MeasuredPage, ...MeasuredPage[]] = [
  { name: 'Jobs', path: '/console/jobs', sight: hasRows('Jobs') },
  { name: 'Job', path: '/console/jobs/listed-1', sight: hasRows('Devices in this job') },
  { name: 'Schedule', path: '/console/schedule', sight: `document.querySelector('.cm-content') !== null` },
  { name: 'Devices', path: '/console/devices', sight: hasRows('Devices') },
  { name: 'Device', path: '/console/devices/timed-0', sight: hasRows('Jobs on this device') },
  {
    name: 'GraphiQL',
    path: '/graphql',
    sight: `document.querySelector('.graphiql-editors .monaco-editor, .graphiql-editors .cm-content') !== null`,
  },
]

const command = createCommand('npm run bench:console --')
  .description(
    `Measures the console in Chromium, with a hub in a process of its own: what is sent, when it is shown, and what pages use
while jobs run. Prints a table, and removes everything at the end.`,
  )
  .addOption(wholeNumber('--minutes <N>', 'minutes on running jobs', { min: 1, max: 60 }).default(5))
  .addOption(
    wholeNumber('--devices <N>', 'devices of the large fleet', { min: 1_000, max: 1_000_000 }).default(100_000),
  )
  .action(measure)

await runCommand(command)

async function measure({ minutes, devices }: { readonly minutes: number; readonly devices: number }): Promise<void> {
  if (browserPath === undefined) throw new Error(withoutBrowser)
  const { signal } = listenForStop()
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const print = (what: string, value: string): void => void process.stdout.write(`| ${what} | ${value} |\n`)
  const closers = createClosers()
  try {
    say('starting a hub, a browser and 3,000 devices')
    const hub = await openMeasuredHub(signal)
    closers.add(hub.close)
    const browser = await startBrowser()
    closers.add(browser.close)
    const { http, client } = hub
    const timed = 'timed-0'
    const fleet = [
      ...(await registerFleet(client, 'depot', fleetSize, () => ({ kind: 'answer' }))),
      ...(await registerFleet(client, 'timed', 1, () => ({ kind: 'answer', delayMs: answerDelay }))),
    ]
    let onAnswer = (_time: number): void => {}
    const connected = createFleet(
      { host: '127.0.0.1', port: hub.mqttPort, hubName: 'localhost', devices: fleet },
      { onMethodAnswer: ({ deviceId }) => deviceId === timed && onAnswer(Date.now()) },
    )
    closers.add(connected.close)
    await connected.connect()
    for (let number = 1; number <= listedJobs; number++) {
      await client.execute(ScheduleTwin, {
        input: {
          jobId: `listed-${number}`,
          queryCondition: `deviceId = '${timed}'`,
          updateTwin: { properties: { desired: { number } } },
        },
      })
    }

    print('what', 'value')
    print('---', '---')
    print('JS + CSS of the build, gzip -9', describeBuild())
    for (const page of pages) {
      say(`loading ${page.name}`)
      const loads = await measureLoads(browser, http, page, signal)
      print(`${page.name}: sent`, describeSent(loads))
      print(`${page.name}: first load, localhost, cold`, describePaints(loads))
    }
    const [jobs] = pages
    for (const network of [
      { megabits: 1.6, latencyMs: 150 },
      { megabits: 8, latencyMs: 60 },
    ]) {
      const first = await measureSlowLoad(browser, http, jobs, network)
      print(`first row of Jobs, ${network.megabits} Mbit/s + ${network.latencyMs} ms`, `${(first / 1000).toFixed(2)} s`)
    }
    say('timing answers')
    const nextAnswer = () =>
      new Promise<number>((resolve) => {
        onAnswer = resolve
      })
    print(
      'device answers → on screen (10 jobs)',
      await measureAnswers(browser, { http, client, deviceId: timed }, nextAnswer),
    )
    say(`watching two running jobs of 3,000 devices for ${minutes} minutes`)
    const { job, list } = await measureRunningJobs(
      browser,
      { http, client, condition: "tags.fleet = 'depot'" },
      minutes,
      signal,
    )
    print(`heap after ${minutes} min, after GC`, `Job ${describeHeap(job)}, Jobs ${describeHeap(list)}`)
    print(
      `CPU of the renderer, minute by minute, ${describeRate}`,
      `Job ${describeCpu(job)}; Jobs ${describeCpu(list)}`,
    )
    say('restarting the hub')
    print('restart under an open page: live again after it is ready', `${await measureRestart(browser, hub)} ms`)
    say(`registering ${devices.toLocaleString('en')} devices`)
    await registerFleet(
      client,
      'large',
      devices,
      () => ({ kind: 'offline' }),
      (index) => ({ building: index % 1_000 }),
    )
    print(
      `${devices.toLocaleString('en')} devices`,
      await measureManyDevices(browser, { http, client, fleet: 'large', count: devices }),
    )
  } finally {
    await closers.close()
  }
}
