import { createClient } from 'graphql-ws'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createFleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { openDatabaseProxy, type TcpProxy, type Weather } from '../support/tcp-proxy.ts'
import { ScheduleMethod } from './operations.ts'

let database: TestDatabase
let proxy: TcpProxy & { readonly url: string }
let app: TestApp
beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await openDatabaseProxy(database.url)
  app = await startApp({ DATABASE_URL: proxy.url, LIMIT_DATABASE_SILENCE: '2000' })
})
afterAll(async () => {
  await app.close()
  await proxy.close()
  await database.drop()
})
afterEach(() => proxy.become('forward'))

const readiness = async () => (await fetch(`${app.addresses.http}/readyz`)).status
const comeBack = async () => {
  await proxy.become('forward')
  await expect.poll(readiness).toBe(200)
}
const goAway = async (how: Weather) => {
  await proxy.become(how)
  await expect.poll(readiness).toBe(503)
}
const ask = (query: string) =>
  fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })

test.each<Weather>(['refuse', 'stall', 'drop'])(
  'GraphQL says in an outage (%s) that the service is unavailable, and when to come again',
  async (how) => {
    await goAway(how)
    for (const query of ['{ jobs(first: 1) { nodes { jobId } } }', '{ device(deviceId: "pump") { deviceId } }']) {
      const response = await ask(query)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('3')
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 3 } }],
      })
    }
    await comeBack()
    expect((await ask('{ jobs(first: 1) { nodes { jobId } } }')).status).toBe(200)
  },
)

test("REST says it in IoT Hub's words", async () => {
  await goAway('refuse')
  const headers = { authorization: app.ownerToken }
  const response = await fetch(`${app.addresses.http}/devices/pump?api-version=2021-04-12`, { headers })
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('3')
  expect(response.headers.get('iothub-errorcode')).toBe('ServiceUnavailable')
  expect(await response.json()).toMatchObject({ Message: expect.stringMatching(/^ErrorCode:ServiceUnavailable;/) })
})

const query = 'subscription { jobUpdated { jobId } }'
const shownJob = { jobUpdated: { jobId: expect.any(String) } }
const schedule = async () => {
  const response = await ask(
    'mutation { scheduleTwinUpdate(input: { queryCondition: "deviceId = \'none\'", updateTwin: { tags: { a: 1 } } }) { __typename } }',
  )
  expect(await response.json()).toMatchObject({ data: { scheduleTwinUpdate: expect.anything() } })
}

/** A subscriber with the settings of graphql-ws, or with those of the web client of the examples. */
const subscribe = (settings: { readonly retryAttempts?: number } = {}) => {
  const client = createClient({
    url: app.addresses.graphql.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    ...settings,
  })
  const shown: unknown[] = []
  const ends: unknown[] = []
  client.subscribe(
    { query },
    {
      next: ({ data }) => shown.push(data),
      error: (error) => ends.push(error),
      complete: () => ends.push('complete'),
    },
  )
  return { shown, ends, close: () => client.dispose() }
}
const patient = { retryAttempts: Number.POSITIVE_INFINITY }

test.each<Weather>(['refuse', 'stall'])('who dials in an outage (%s) has its subscription after it', async (how) => {
  await goAway(how)
  const subscribers = [subscribe(), subscribe(patient)]
  await comeBack()
  for (const { shown, ends, close } of subscribers) {
    await expect
      .poll(async () => {
        await schedule()
        return shown[0]
      })
      .toEqual(shownJob)
    expect(ends).toEqual([])
    await close()
  }
})

test('calls that are under way when the database hangs are made once, and their answers are counted after it', async () => {
  const name = 'under-way'
  const devices = await registerFleet(app.client, name, 20, () => ({ kind: 'answer', status: 202, delayMs: 500 }))
  let calls = 0
  let allCalled = (): void => {}
  const called = new Promise<void>((resolve) => {
    allCalled = resolve
  })
  const fleet = createFleet(
    { host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices },
    {
      onMethodRequest() {
        if (++calls === devices.length) allCalled()
      },
    },
  )
  try {
    await fleet.connect()
    const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
      input: {
        queryCondition: `tags.fleet = '${name}'`,
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 60 },
      },
    })
    if (!scheduleDeviceMethod || !('job' in scheduleDeviceMethod)) throw new Error('the job was not scheduled')
    const jobId = scheduleDeviceMethod.job?.jobId ?? ''
    await called
    await goAway('stall')
    // The answers came meanwhile, and could not be written.
    await comeBack()
    await expect.poll(async () => (await readDeviceJobs(app.client, jobId)).status).toBe('COMPLETED')
    const { nodes } = await readDeviceJobs(app.client, jobId)
    expect(nodes.map(({ outcome }) => outcome)).toEqual(devices.map(() => ({ status: 202, payload: null })))
    expect(fleet.ledger.entries).toHaveLength(devices.length)
  } finally {
    await fleet.close()
  }
})

test('a subscription that is there before an outage goes on after it', async () => {
  const { shown, ends, close } = subscribe()
  await schedule()
  await expect.poll(() => shown.length).toBeGreaterThan(0)
  await goAway('stall')
  await comeBack()
  const known = shown.length
  await expect
    .poll(async () => {
      await schedule()
      return shown.length
    })
    .toBeGreaterThan(known)
  expect(ends).toEqual([])
  await close()
})
