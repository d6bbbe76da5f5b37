import { afterEach, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { type BackEnd, connectBackEnd } from './back-end.ts'

// A hub that was told to answer as IoT Hub does where this one would rather not, seen by the published service SDK.

const ownerKey = Buffer.alloc(32, 6).toString('base64')
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function openHub(variables: Readonly<Record<string, string>>): Promise<BackEnd> {
  const app = await startApp({ IOTHUB_OWNER_KEY: ownerKey, ...variables })
  const backEnd = connectBackEnd(app, ownerKey)
  closers.push(async () => {
    backEnd.close()
    await app.close()
  })
  return backEnd
}

const startsWith = "SELECT deviceId FROM devices WHERE STARTS_WITH(deviceId, 'aw')"

test('REST_UNKNOWN_JOB=unknown answers that the status of a job that there is not is unknown', async () => {
  const { jobs } = await openHub({ REST_UNKNOWN_JOB: 'unknown' })
  expect((await jobs.getJob('ghost')).jobStatus).toEqual({ jobId: 'ghost', status: 'unknown' })
})

test('REST_CANCEL_RUNNING=true cancels a job that runs, and what else is asked is no stricter', async () => {
  const { jobs, registry, follow, rows } = await openHub({ REST_CANCEL_RUNNING: 'true' })
  await registry.create({ deviceId: 'away' })
  await jobs.scheduleDeviceMethod('runs', '*', { methodName: 'reboot' })
  expect((await follow('runs', ({ status }) => status === 'running')).status).toBe('running')
  expect((await jobs.cancelJob('runs')).jobStatus.status).toBe('cancelled')
  // A cancelled job and the device that it spared are not spelled alike.
  const ofJob = "SELECT * FROM devices.jobs WHERE jobId = 'runs'"
  expect(await rows(ofJob)).toMatchObject([{ deviceId: 'away', status: 'canceled' }])
  expect(await rows(startsWith)).toEqual([{ deviceId: 'away' }])
})

test('STRICT_QUERY=true refuses what IoT Hub does, and still cancels no job that runs', async () => {
  const { jobs, registry, follow, rows } = await openHub({ STRICT_QUERY: 'true' })
  await registry.create({ deviceId: 'away' })
  await expect(rows(startsWith)).rejects.toMatchObject({ name: 'ArgumentError' })
  await jobs.scheduleDeviceMethod('runs', '*', { methodName: 'reboot' })
  await follow('runs', ({ status }) => status === 'running')
  await expect(jobs.cancelJob('runs')).rejects.toThrow("Job cannot be cancelled in 'Running' status.")
})
