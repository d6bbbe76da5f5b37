import { expect, test } from 'vitest'
import { createFleet } from '../../src/simulator/fleet.ts'
import { startApp } from '../support/app.ts'
import { createTestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { ScheduleMethod } from './operations.ts'

const fleetSize = 200
/** How many calls the devices have received when all connections to the database are cut, each time. */
const cutCount = [20, 60, 100, 140]
const window = 20

test('while devices come and go and the database cuts the hub off, each device is called once at most and has one end', async () => {
  const database = await createTestDatabase()
  const app = await startApp({ DATABASE_URL: database.url, METHOD_WINDOW: String(window) })
  let received = 0
  const cuts: Promise<unknown>[] = []
  const fleet = createFleet(
    {
      host: '127.0.0.1',
      port: app.mqttPort,
      hubName: 'localhost',
      devices: await registerFleet(app.client, 'fault', fleetSize, (index) => {
        const answering = { kind: 'answer', payload: { index }, delayMs: 20 } as const
        return index % 5 === 0 ? { kind: 'flapping', upMs: 500, downMs: 100, answering } : answering
      }),
    },
    {
      onMethodRequest() {
        if (++received !== cutCount[cuts.length]) return
        // Not those of other cuts: each of them counts.
        const cut = `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like 'twincast%'`
        cuts.push(database.pool.query(cut))
      },
    },
  )
  try {
    await fleet.connect()
    const scheduled = await app.client.execute(ScheduleMethod, {
      input: {
        jobId: 'faults',
        queryCondition: "tags.fleet = 'fault'",
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 5 },
        maxExecutionTimeInSeconds: 40,
      },
    })
    expect(scheduled.scheduleDeviceMethod).toEqual({ job: { jobId: 'faults' } })
    const statusNow = async () => (await readDeviceJobs(app.client, 'faults').catch(() => undefined))?.status
    await expect.poll(statusNow, { interval: 200 }).toBe('COMPLETED')
    expect(cuts).toHaveLength(cutCount.length)

    const called = new Set(fleet.ledger.entries.map(({ deviceId }) => deviceId))
    expect(fleet.ledger.entries).toHaveLength(called.size)
    const job = await readDeviceJobs(app.client, 'faults')
    for (const { deviceId, status, outcome, error } of job.nodes) {
      if (status === 'COMPLETED') {
        expect(called).toContain(deviceId)
        expect(outcome).toEqual({ status: 200, payload: { index: Number(deviceId.slice(6)) } })
      } else {
        expect(status).toBe('FAILED')
        // One that flaps may not have been there in all of the time.
        const flaps = Number(deviceId.slice(6)) % 5 === 0
        expect(error?.code).toMatch(
          flaps ? /^(GatewayTimeout|OutcomeUnknown|JobRunPreconditionFailed)$/ : /^(GatewayTimeout|OutcomeUnknown)$/,
        )
      }
    }
    const succeededCount = job.nodes.filter(({ status }) => status === 'COMPLETED').length
    expect(job.deviceJobStatistics).toMatchObject({
      deviceCount: fleetSize,
      succeededCount,
      failedCount: fleetSize - succeededCount,
      pendingCount: 0,
      runningCount: 0,
    })
    // Nobody who stays connected is lost: the answers wait until they can be written.
    const lost = job.nodes.filter(({ deviceId, status }) => status === 'FAILED' && Number(deviceId.slice(6)) % 5 !== 0)
    expect(lost.length).toBeLessThanOrEqual(cutCount.length * window)
  } finally {
    await Promise.all(cuts)
    await fleet.close()
    await app.close()
    await database.drop()
  }
})
