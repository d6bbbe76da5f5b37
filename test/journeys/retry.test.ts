import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'
import { ReadFamily, RetryJob, ScheduleMethod, WatchStatistics } from './operations.ts'

let app: TestApp
let fleet: Fleet

beforeAll(async () => {
  app = await startApp()
  const behaviours = [
    { kind: 'answer' },
    { kind: 'refuse', status: 503 },
    { kind: 'silent' },
    { kind: 'offline' },
  ] as const
  const devices = await registerFleet(app.client, 'storm', 4, (index) => behaviours[index] ?? { kind: 'silent' })
  fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  await fleet.connect()
})
afterAll(async () => {
  await fleet.close()
  await app.close()
})

async function ended(jobId: string): Promise<void> {
  for await (const _update of app.client.subscribe(WatchStatistics, { jobId }));
}

async function retry(input: { jobId: string; newJobId: string; responseStatus?: number[]; reason?: string }) {
  const { retryJob } = await app.client.execute(RetryJob, { input })
  expect(retryJob).toEqual({ job: { jobId: input.newJobId } })
  await ended(input.newJobId)
}

const familyOf = async (jobId: string) => (await app.client.execute(ReadFamily, { jobId })).job?.family

test('a job that reached a part of its fleet is retried until it reached all', async () => {
  await app.client.execute(ScheduleMethod, {
    input: {
      jobId: 'first',
      queryCondition: "tags.fleet = 'storm'",
      cloudToDeviceMethod: { methodName: 'reboot' },
      maxExecutionTimeInSeconds: 5,
    },
  })
  await ended('first')
  expect((await familyOf('first'))?.statistics).toEqual({ deviceCount: 4, succeededCount: 2, failedCount: 2 })

  // Who kept silent answers now, and who was away is there; a retry of these two first, then of the one who refused.
  fleet.answerWith('storm-1', { kind: 'answer' })
  fleet.answerWith('storm-2', { kind: 'answer' })
  await fleet.connect({ deviceIds: ['storm-3'] })
  await retry({ jobId: 'first', newJobId: 'second', reason: 'the storm is over' })
  await retry({ jobId: 'first', newJobId: 'third', responseStatus: [503] })

  const jobOf = (jobId: string, devices: number, succeeded: number) => ({
    jobId,
    deviceJobStatistics: { deviceCount: devices, succeededCount: succeeded },
  })
  expect(await familyOf('third')).toEqual({
    jobs: [jobOf('first', 4, 2), jobOf('second', 2, 2), jobOf('third', 1, 1)],
    statistics: { deviceCount: 4, succeededCount: 4, failedCount: 0 },
  })
  expect(fleet.ledger.entries.map(({ deviceId }) => deviceId).sort()).toEqual(
    // Twice who had the call of the first job, too; each job calls a device once at most.
    ['storm-0', 'storm-1', 'storm-1', 'storm-2', 'storm-2', 'storm-3'],
  )

  const { job } = await app.client.execute(ReadFamily, { jobId: 'second' })
  expect(job?.retryOf).toEqual({ jobId: 'first' })
  expect(job?.history).toEqual([
    { type: 'SCHEDULED', cause: 'USER', actor: 'iothubowner', reason: 'the storm is over' },
    { type: 'STARTED', cause: 'SCHEDULE', actor: null, reason: null },
    { type: 'COMPLETED', cause: 'DEVICES', actor: null, reason: null },
  ])
  expect(app.errors).toEqual([])
})
