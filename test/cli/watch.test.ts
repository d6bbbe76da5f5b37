import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signFor } from '../../src/cli/access-key.ts'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { systemClock } from '../../src/clock.ts'
import type { SimulatedDevice } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { CancelJob } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { twincast } from '../support/twincast.ts'

// A job of devices that are offline runs until they connect.

let app: TestApp
const devices = new Map<string, readonly SimulatedDevice[]>()
const fleets: Fleet[] = []

beforeAll(async () => {
  app = await startApp()
  for (const name of ['restarted', 'left']) {
    devices.set(name, await registerFleet(app.client, name, 1, () => ({ kind: 'answer' })))
  }
})
afterAll(async () => {
  for (const fleet of fleets) await fleet.close()
  await app.close()
})

const connect = async (name: string): Promise<void> => {
  const fleet = createFleet({
    host: '127.0.0.1',
    port: app.mqttPort,
    hubName: 'localhost',
    devices: devices.get(name) ?? [],
  })
  fleets.push(fleet)
  await fleet.connect()
}

/** Schedules a job on the devices of this name, and watches it. */
function watch(name: string, env: Readonly<Record<string, string>> = { TWINCAST_URL: app.addresses.http }) {
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', `tags.fleet = '${name}'`, '--id', name, '--watch']
  const child = spawn(process.execPath, [twincast, ...job], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout = text(child.stdout)
  const said = { text: '' }
  child.stderr.setEncoding('utf8').on('data', (part) => {
    said.text += part
  })
  return { child, said, stdout, ended: once(child, 'close').then(([code]) => code) }
}

/** Waits until the command has written a text on standard error. */
async function until(text: string, { child, said }: { readonly child: ChildProcess; readonly said: { text: string } }) {
  while (!said.text.includes(text)) {
    if (child.exitCode !== null) throw new Error(`It ended without "${text}": ${said.text}`)
    await Promise.race([child.stderr && once(child.stderr, 'data'), once(child, 'close')])
  }
}

test('a watched job is watched to its end when the hub restarts meanwhile', async () => {
  const command = watch('restarted')
  await until('restarted: running', command)
  await app.restart()
  await until('The connection to the hub is lost.', command)
  await connect('restarted')
  expect({ code: await command.ended, said: command.said.text }).toMatchObject({ code: 0 })
  expect(JSON.parse(await command.stdout)).toMatchObject({
    jobId: 'restarted',
    outcome: 'SUCCEEDED',
    succeededCount: 1,
  })
})

test('Ctrl-C leaves a watched job running, and says how to watch it again', async () => {
  const command = watch('left')
  await until('left: running', command)
  command.child.kill('SIGINT')
  expect(await command.ended).toBe(130)
  expect(command.said.text).toMatch(/The job left goes on\. "twincast jobs watch left" shows it again\.\n$/)
  expect(await command.stdout).toBe('')
  expect(await readDeviceJobs(app.client, 'left')).toMatchObject({ status: 'RUNNING' })
})

test('a job is watched beyond the time for which a token that is signed with a key is valid', async () => {
  const key = Buffer.from('a key of 16 bytes').toString('base64')
  // By the clock of this hub, the tokens of the command, which are valid for a day, are accepted for five seconds.
  const ahead = 86_700_000 - 5_000
  const clock = { ...systemClock, now: () => new Date(Date.now() + ahead) }
  const hub = await startApp({ IOTHUB_OWNER_KEY: key }, clock)
  const owner = { host: 'localhost', policyName: 'iothubowner', key }
  const client = createHubClient({
    url: hub.addresses.graphql,
    authorization: signFor(owner, Math.floor(Date.now() / 1_000) + 7 * 86_400),
  })
  try {
    await registerFleet(client, 'expiring', 1, () => ({ kind: 'offline' }))
    const { http } = hub.addresses
    const command = watch('expiring', {
      TWINCAST_URL: http,
      TWINCAST_KEY: `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`,
    })
    await until('expiring: running', command)
    await until('The connection to the hub is lost.', command)
    await client.execute(CancelJob, { input: { jobId: 'expiring' } })
    expect(await command.ended).toBe(4)
    expect(JSON.parse(await command.stdout)).toMatchObject({ jobId: 'expiring', outcome: 'CANCELLED' })
  } finally {
    client.close()
    await hub.close()
  }
})
