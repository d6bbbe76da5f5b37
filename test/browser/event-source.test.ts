import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeInBrowser, startBrowser, type TestBrowser } from '../support/browser.ts'
import { registerFleet } from '../support/fleet.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/** Follows a job as a page would: each event with its id, and the end, after which the browser must not reconnect. */
const script = `
  window.follow = (jobId) => {
    const query = 'subscription ($jobId: String!) { deviceJobEnded(jobId: $jobId) { deviceJobs { deviceId } } }'
    const parameters = new URLSearchParams({ query, variables: JSON.stringify({ jobId }) })
    const source = new EventSource('/graphql?' + parameters)
    window.received = { deviceIds: [], ids: [], opened: 0, isComplete: false }
    source.addEventListener('open', () => { received.opened++ })
    source.addEventListener('next', ({ data, lastEventId }) => {
      received.ids.push(lastEventId)
      received.deviceIds.push(...JSON.parse(data).data.deviceJobEnded.deviceJobs.map(({ deviceId }) => deviceId))
    })
    source.addEventListener('complete', () => {
      received.isComplete = true
      source.close()
    })
  }`

type Received = {
  readonly deviceIds: readonly string[]
  readonly ids: readonly string[]
  readonly opened: number
  readonly isComplete: boolean
}

describeInBrowser('an EventSource', () => {
  let browser: TestBrowser
  let app: TestApp
  let proxy: TcpProxy
  let fleet: Fleet
  beforeAll(async () => {
    browser = await startBrowser()
    app = await startApp()
    proxy = await openTcpProxy({ host: '127.0.0.1', port: Number(new URL(app.addresses.http).port) })
    const devices = await registerFleet(app.client, 'lift', 4, () => ({
      kind: 'offline',
      answering: { kind: 'answer' },
    }))
    fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  })
  afterAll(async () => {
    await browser.close()
    await fleet.close()
    await proxy.close()
    await app.close()
  })

  test('gets each device job once, although its connection breaks, and the end', async () => {
    const input = { jobId: 'all', queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }
    expect(await app.client.execute(ScheduleMethod, { input })).toHaveProperty('scheduleDeviceMethod.job')
    const { page } = await browser.open({ hub: `http://127.0.0.1:${proxy.port}` })
    await page.goto('/console/devices')
    await page.evaluate(script)
    await page.evaluate('follow("all")')
    const received = (): Promise<Received> => page.evaluate('received')
    await fleet.connect({ deviceIds: ['lift-0', 'lift-1'] })
    await expect.poll(async () => (await received()).deviceIds.toSorted()).toEqual(['lift-0', 'lift-1'])

    proxy.breakOpen('reset')
    await expect.poll(async () => (await received()).opened).toBe(2)
    await fleet.connect({ deviceIds: ['lift-2', 'lift-3'] })
    await expect.poll(async () => (await received()).isComplete).toBe(true)
    const { deviceIds, ids } = await received()
    expect(deviceIds.toSorted()).toEqual(['lift-0', 'lift-1', 'lift-2', 'lift-3'])
    expect(ids).not.toContain('')
    expect(new Set(ids).size).toBe(ids.length)
  })
})
