import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { cancelJob, pauseJob, resumeJob } from '../../src/job/commands.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { deliverWebhooks } from '../../src/scheduler/deliver-webhooks.ts'
import { findExceededThresholds } from '../../src/scheduler/find-exceeded-thresholds.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import {
  createWebhook,
  deleteWebhook,
  redeliver,
  rotateWebhookSecret,
  updateWebhook,
} from '../../src/webhook/commands.ts'
import { type DeliveryRow, findDeliveries } from '../../src/webhook/delivery-store.ts'
import { deliveryStatuses, webhookEvents } from '../../src/webhook/event.ts'
import type { WebhookInput } from '../../src/webhook/request.ts'
import { secretOf, signaturesOf } from '../../src/webhook/secret.ts'
import { findWebhook } from '../../src/webhook/store.ts'
import { answer, countStatements, dispatch } from '../graphql/facts.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { openReceiver, type Receiver } from '../support/receiver.ts'
import { givenDevices, givenMethodJob, jobRow, tester } from '../support/rows.ts'

let clock: TestClock
let deps: TestDeps
let receiver: Receiver
let step: ReturnType<typeof deliverWebhooks>
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 4)
})
afterAll(() => deps.close())
beforeEach(async () => {
  receiver = await openReceiver()
  step = deliverWebhooks(deps)
})
afterEach(async () => {
  await step.close()
  await receiver.close()
  await deps.database.pool.query('delete from job')
  await deps.database.pool.query('delete from webhook')
})

const givenWebhook = (input: Partial<WebhookInput> & { readonly secret?: string } = {}) =>
  createWebhook(deps, tester, { url: receiver.url, events: ['job.ended'], ...input })

const runStart = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const runFinish = () => finishJobs(deps).run(clock.now())

/** A job that was started. */
async function givenRunning(fleet = 'pump', jobId?: string): Promise<string> {
  const id = await givenMethodJob(
    deps,
    fleet,
    {},
    { ...(jobId !== undefined && { jobId }), maxExecutionTimeInSeconds: 600 },
  )
  await runStart()
  return id
}

/** A job that has ended: no device met its condition. */
const givenEnded = (jobId?: string): Promise<string> => givenRunning('no such fleet', jobId)

/** Attempts what is due, and waits for the end of the attempts. Returns when the next one is due. */
async function deliver(one = step): Promise<Date | undefined> {
  let isOver = (): void => {}
  let ended = 0
  let begun: number | undefined
  const over = new Promise<void>((resolve) => {
    isOver = () => begun === ended && resolve()
  })
  const stop = deps.events.listen(
    'work',
    'deliveries',
  )(() => {
    ended++
    isOver()
  })
  const { done, next } = await one.run(clock.now())
  begun = done
  isOver()
  await over
  stop()
  return next
}

async function deliveriesOf(webhookId: string): Promise<readonly DeliveryRow[]> {
  return findDeliveries(deps.db, webhookId, { statuses: deliveryStatuses, after: undefined, limit: 100 })
}

async function onlyDelivery(webhookId: string): Promise<DeliveryRow> {
  const [delivery, ...others] = await deliveriesOf(webhookId)
  if (delivery === undefined || others.length > 0) throw new Error(`There are ${others.length} deliveries more.`)
  return delivery
}

test('a webhook gets the start and the end of a job, signed with its secret', async () => {
  const { secret, webhookId } = await givenWebhook({ events: ['job.started', 'job.ended'] })
  const jobId = await givenRunning()
  const keys = [1, 2, 3, 4].map((number) => ({ jobId, deviceId: `pump-000${number}` }))
  await dispatch(deps, ...keys)
  const [one, two, three, four] = keys
  if (!(one && two && three && four)) throw new Error('There are four devices.')
  await answer(
    deps,
    { ...one, response: { status: 200, payload: 'null' } },
    { ...two, response: { status: 500, payload: 'null' } },
    { ...three, error: { code: 'DeviceTimeout', description: 'late' } },
    { ...four, response: { status: 200, payload: 'null' } },
  )
  await runFinish()
  await deliver()

  const bodies = receiver.received.map(({ body }) => JSON.parse(body)).sort((a, b) => (a.type < b.type ? 1 : -1))
  const time = clock.now().toISOString()
  const data = { jobId, type: 'SCHEDULE_DEVICE_METHOD', createdBy: tester.name, startedTime: time, deviceCount: 4 }
  const counts = { succeededCount: 3, refusedCount: 1, skippedCount: 0, failedCount: 1, cancelledCount: 0 }
  expect(bodies).toEqual([
    { type: 'job.started', version: 1, timestamp: time, data: { ...data, status: 'RUNNING' } },
    {
      type: 'job.ended',
      version: 1,
      timestamp: time,
      data: { ...data, endTime: time, status: 'COMPLETED', outcome: 'PARTIALLY_FAILED', ...counts },
    },
  ])
  for (const { id, timestamp, signature, body, headers } of receiver.received) {
    expect(signature).toBe(signaturesOf([secret], { id, timestamp: Number(timestamp), body }))
    expect(headers['content-type']).toBe('application/json')
  }
  const ids = receiver.received.map(({ id }) => id).sort()
  const deliveries = await deliveriesOf(webhookId)
  expect(deliveries.map(({ id }) => id).sort()).toEqual(ids)
  expect(deliveries.map(({ status, responseStatus, attempts }) => [status, responseStatus, attempts])).toEqual([
    ['delivered', 204, 1],
    ['delivered', 204, 1],
  ])
})

test('a cancelled job, one that fails as a whole and one without devices end once', async () => {
  const { webhookId } = await givenWebhook()
  const cancelled = await givenRunning()
  await dispatch(deps, { jobId: cancelled, deviceId: 'pump-0001' })
  await cancelJob(deps, { ...tester, scope: everything }, cancelled)
  expect(await deliveriesOf(webhookId)).toEqual([])
  await answer(deps, { jobId: cancelled, deviceId: 'pump-0001', response: { status: 200, payload: 'null' } })
  await runFinish()
  const tooMany = await givenMethodJob(deps, 'pump')
  await deps.database.pool.query('update job set max_devices = 1 where id = $1', [tooMany])
  const waiting = await givenMethodJob(deps, 'pump', {}, { startTime: new Date(clock.now().getTime() + 60_000) })
  await cancelJob(deps, { ...tester, scope: everything }, waiting)
  await runStart()
  const empty = await givenEnded()
  await runFinish()
  await deliver()
  const told = receiver.received.map(({ body }) => JSON.parse(body).data)
  expect(Object.fromEntries(told.map(({ jobId, outcome }) => [jobId, outcome]))).toEqual({
    [cancelled]: 'CANCELLED',
    [tooMany]: 'FAILED',
    [waiting]: 'CANCELLED',
    [empty]: 'NO_DEVICES',
  })
  expect(told).toHaveLength(4)
})

const pause = (jobId: string, reason?: string) => pauseJob(deps, { ...tester, scope: everything }, jobId, reason)
const resume = (jobId: string, reason?: string) => resumeJob(deps, { ...tester, scope: everything }, jobId, reason)

test('a webhook gets each pause and each resumption of a job once, with its reason and who requested it', async () => {
  const { webhookId } = await givenWebhook({ events: ['job.paused', 'job.resumed'] })
  const jobId = await givenRunning()
  await dispatch(deps, { jobId, deviceId: 'pump-0001' })
  await answer(deps, { jobId, deviceId: 'pump-0001', response: { status: 500, payload: 'null' } })
  const { startedTime } = await jobRow(deps, jobId)
  const times: string[] = []
  for (const step of [
    () => pause(jobId, '1 % fail'),
    () => resume(jobId),
    () => pause(jobId),
    () => resume(jobId, 'ok'),
  ]) {
    clock.advance(1_000)
    times.push(clock.now().toISOString())
    await step()
  }
  await runFinish()
  await deliver()
  await deliver()

  const bodies = receiver.received.map(({ body }) => JSON.parse(body)).sort((a, b) => a.data.version - b.data.version)
  const versions = bodies.map(({ data }) => data.version)
  const data = {
    ...{ jobId, type: 'SCHEDULE_DEVICE_METHOD', createdBy: tester.name, startedTime: startedTime?.toISOString() },
    ...{ deviceCount: 4, cause: 'USER', actor: tester.name },
    ...{ succeededCount: 1, refusedCount: 1, skippedCount: 0, failedCount: 0, cancelledCount: 0 },
  }
  const message = (place: number, type: string, status: string, reason: string | null) => ({
    ...{ type, version: 1, timestamp: times[place], data: { ...data, version: versions[place], status, reason } },
  })
  expect(bodies).toEqual([
    message(0, 'job.paused', 'PAUSED', '1 % fail'),
    message(1, 'job.resumed', 'RUNNING', null),
    message(2, 'job.paused', 'PAUSED', null),
    message(3, 'job.resumed', 'RUNNING', 'ok'),
  ])
  expect(new Set(versions).size).toBe(4)
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(4)
  expect((await deliveriesOf(webhookId)).map(({ status, attempts }) => [status, attempts])).toEqual(
    Array(4).fill(['delivered', 1]),
  )
})

test('the resumption of a job that has not started says that it waits', async () => {
  await givenWebhook({ events: ['job.resumed'] })
  const later = new Date(clock.now().getTime() + 60_000)
  const jobId = await givenMethodJob(deps, 'pump', {}, { startTime: later })
  await pause(jobId)
  await resume(jobId)
  await deliver()
  expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
    { type: 'job.resumed', data: { jobId, status: 'SCHEDULED', startedTime: null } },
  ])
})

test('a pause by an abort rule is sent like one of a client, with what the rule counted', async () => {
  await givenWebhook({ events: ['job.paused'] })
  const rule = { on: ['refused'], percent: 50, action: 'pause' }
  const jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { abort: [rule] } })
  await runStart()
  await dispatch(deps, { jobId, deviceId: 'pump-0001' })
  await answer(deps, { jobId, deviceId: 'pump-0001', response: { status: 500, payload: 'null' } })
  await deliver()
  const reason = expect.stringContaining('1 of 1 devices refused')
  expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
    { type: 'job.paused', data: { jobId, status: 'PAUSED', cause: 'RULE', actor: null, reason, refusedCount: 1 } },
  ])
})

test('a pause is not sent to a webhook that is disabled or has other events', async () => {
  const disabled = await givenWebhook({ events: ['job.paused'], enabled: false })
  const other = await givenWebhook({ events: ['job.resumed'] })
  await pause(await givenRunning())
  expect(await deliveriesOf(disabled.webhookId)).toEqual([])
  expect(await deliveriesOf(other.webhookId)).toEqual([])
})

test('only chosen events are kept, and none for a disabled webhook', async () => {
  const started = await givenWebhook({ events: ['job.started'] })
  const disabled = await givenWebhook({ enabled: false })
  await givenEnded()
  expect(await deliveriesOf(started.webhookId)).toEqual([])
  await updateWebhook(deps, disabled.webhookId, { enabled: true })
  expect(await deliveriesOf(disabled.webhookId)).toEqual([])
})

test('an attempt that fails is repeated with the same id, at longer intervals, and given up after a day', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer((response) => response.writeHead(503).end('overloaded'))
  const begin = clock.now().getTime()
  await givenEnded()
  const pauses: number[] = []
  for (;;) {
    await deliver()
    const { status, nextTime } = await onlyDelivery(webhookId)
    if (status !== 'pending') break
    pauses.push(nextTime.getTime() - clock.now().getTime())
    clock.advance(nextTime.getTime() - clock.now().getTime())
  }
  const { status, error, responseStatus, responseText, attempts } = await onlyDelivery(webhookId)
  expect({ status, error, responseStatus, responseText }).toEqual({
    status: 'dead',
    error: 'status',
    responseStatus: 503,
    responseText: 'overloaded',
  })
  expect(attempts).toBe(receiver.received.length)
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1)
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
  const [first = 0, second = 0] = pauses
  expect(first).toBeGreaterThanOrEqual(2_500)
  expect(first).toBeLessThanOrEqual(5_000)
  expect(second).toBeGreaterThanOrEqual(5_000)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(3_600_000)
  const hours = (clock.now().getTime() - begin) / 3_600_000
  expect(hours).toBeGreaterThan(22)
  expect(hours).toBeLessThanOrEqual(24)

  receiver.answer((response) => response.writeHead(200).end())
  const dead = await onlyDelivery(webhookId)
  await redeliver(deps, dead.id)
  await deliver()
  expect(await onlyDelivery(webhookId)).toMatchObject({ id: dead.id, status: 'delivered', attempts: 1, error: null })
})

test('a pending delivery is attempted at once when a client asks for that', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer((response) => response.writeHead(500).end())
  await givenEnded()
  await deliver()
  await deliver()
  expect(receiver.received).toHaveLength(1)
  receiver.answer((response) => response.writeHead(200).end())
  await redeliver(deps, (await onlyDelivery(webhookId)).id)
  await deliver()
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'delivered', attempts: 2 })
})

test('a receiver that is gone is disabled, with the reason, until a client enables it', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer((response) => response.writeHead(410).end())
  await givenEnded()
  await deliver()
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'dead', error: 'gone' })
  expect(await findWebhook(deps.db, webhookId)).toMatchObject({
    enabled: false,
    disabledReason: 'The receiver answered 410 Gone.',
  })
  await updateWebhook(deps, webhookId, { enabled: true })
  expect(await findWebhook(deps.db, webhookId)).toMatchObject({ enabled: true, disabledReason: null })
})

test('a redirect is not followed', async () => {
  const other = await openReceiver()
  try {
    const { webhookId } = await givenWebhook()
    receiver.answer((response) => response.writeHead(307, { location: other.url }).end())
    await givenEnded()
    await deliver()
    expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'pending', error: 'redirect', responseStatus: 307 })
    expect(other.received).toEqual([])
  } finally {
    await other.close()
  }
})

test('a receiver that does not answer in time is tried again later', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer(() => {})
  await givenEnded()
  const delivering = deliver()
  await receiver.count(1)
  clock.advance(deps.limits.webhookTimeout)
  await delivering
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'pending', error: 'timeout', responseStatus: null })
})

test('the status of an answer without an end counts, and of an endless one only the beginning is read', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer((response) => {
    response.writeHead(400)
    const write = (): void => {
      while (response.write('ä\u{1F600}'.repeat(10_000)));
      response.once('drain', write)
    }
    write()
  })
  await givenEnded()
  await deliver()
  const { responseStatus, responseText } = await onlyDelivery(webhookId)
  expect({ responseStatus, responseText }).toEqual({ responseStatus: 400, responseText: 'ä\u{1F600}'.repeat(100) })
})

test('a port without a receiver is unreachable, and a certificate that is not trusted is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-webhook-'))
  const { cert, key } = await loadOrMakeCertificate(folder, { hostNames: ['127.0.0.1'], now: new Date() })
  const untrusted = await openReceiver({ tls: { cert, key } })
  const closed = await openReceiver()
  await closed.close()
  try {
    const nobody = await givenWebhook({ url: closed.url })
    const self = await givenWebhook({ url: untrusted.url })
    await givenEnded()
    await deliver()
    expect(await onlyDelivery(nobody.webhookId)).toMatchObject({ status: 'pending', error: 'unreachable' })
    expect(await onlyDelivery(self.webhookId)).toMatchObject({ status: 'pending', error: 'tls' })
    expect(untrusted.received).toEqual([])
  } finally {
    await untrusted.close()
    await rm(folder, { recursive: true })
  }
})

test('an address that is not public gets nothing unless that is allowed, also behind a name', async () => {
  const literal = await givenWebhook()
  const tls = await givenWebhook({ url: receiver.url.replace('http:', 'https:') })
  const named = await givenWebhook({ url: `https://localhost:${receiver.port}/hook` })
  await givenEnded()
  const strict = deliverWebhooks({ ...deps, allowPrivateWebhooks: false })
  await deliver(strict)
  await strict.close()
  for (const { webhookId } of [literal, tls, named]) {
    expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'pending', error: 'address' })
  }
  expect(receiver.received).toEqual([])
})

test('a slow receiver takes a few messages at a time, and delays no other one', async () => {
  const slow = await openReceiver()
  const waiting: (() => void)[] = []
  slow.answer((response) => waiting.push(() => response.writeHead(200).end()))
  try {
    const { webhookId } = await givenWebhook({ url: slow.url })
    const quick = await givenWebhook()
    const jobs = deps.limits.webhookDeliveries + 3
    for (let job = 0; job < jobs; job++) await givenEnded()
    while (receiver.received.length < jobs) {
      await step.run(clock.now())
      await deps.clock.giveWay()
    }
    await slow.count(deps.limits.webhookDeliveries)
    await step.run(clock.now())
    expect(slow.received).toHaveLength(deps.limits.webhookDeliveries)
    expect((await deliveriesOf(quick.webhookId)).length).toBe(jobs)

    for (const end of waiting) end()
    slow.answer((response) => response.writeHead(200).end())
    while (slow.received.length < jobs) {
      await step.run(clock.now())
      await deps.clock.giveWay()
    }
    expect(new Set(slow.received.map(({ id }) => id)).size).toBe(jobs)
    expect((await deliveriesOf(webhookId)).length).toBe(jobs)
  } finally {
    await slow.close()
  }
})

test('two instances send each message once', async () => {
  const { webhookId } = await givenWebhook()
  for (let job = 0; job < 6; job++) await givenEnded()
  const other = deliverWebhooks(deps)
  const isDone = async () => (await deliveriesOf(webhookId)).every(({ status }) => status === 'delivered')
  while (!(await isDone())) await Promise.all([step.run(clock.now()), other.run(clock.now())])
  await other.close()
  expect(receiver.received).toHaveLength(6)
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(6)
})

test('an attempt of a process that has died is repeated when its lease is over, with the same id', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer(() => {})
  await givenEnded()
  const dead = deliverWebhooks({ ...deps, clock: createTestClock(clock.now()) })
  await dead.run(clock.now())
  await receiver.count(1)
  receiver.answer((response) => response.writeHead(200).end())
  await deliver()
  expect(receiver.received).toHaveLength(1)
  const { nextTime } = await onlyDelivery(webhookId)
  clock.advance(nextTime.getTime() - clock.now().getTime())
  await deliver()
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'delivered', attempts: 2 })
  expect(receiver.received[1]?.id).toBe(receiver.received[0]?.id)
  await dead.close()
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'delivered', attempts: 2 })
})

test('a stop breaks an attempt off, and it is repeated at once after the start', async () => {
  const { webhookId } = await givenWebhook()
  receiver.answer(() => {})
  await givenEnded()
  const stopped = deliverWebhooks(deps)
  await stopped.run(clock.now())
  await receiver.count(1)
  await stopped.close()
  receiver.answer((response) => response.writeHead(200).end())
  await deliver()
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'delivered', attempts: 1 })
  expect(receiver.received[0]?.id).toBe(receiver.received[1]?.id)
})

test('for a day after a rotation, messages are signed with both secrets', async () => {
  const before = secretOf(Buffer.alloc(32, 1))
  const { webhookId } = await givenWebhook({ secret: before })
  const { secret } = await rotateWebhookSecret(deps, webhookId)
  await givenEnded()
  await deliver()
  clock.advance(24 * 60 * 60 * 1000)
  await givenEnded()
  await deliver()
  const [first, second] = receiver.received
  if (first === undefined || second === undefined) throw new Error('Two messages were sent.')
  const signed = ({ id, timestamp, body }: typeof first) => ({ id, timestamp: Number(timestamp), body })
  expect(first.signature).toBe(signaturesOf([secret, before], signed(first)))
  expect(second.signature).toBe(signaturesOf([secret], signed(second)))
})

test('a deleted webhook gets nothing more', async () => {
  const { webhookId } = await givenWebhook()
  await givenWebhook({ url: `${receiver.url}/other` })
  await givenEnded()
  await deleteWebhook(deps, webhookId)
  await deliver()
  expect(receiver.received).toHaveLength(1)
})

test('a threshold is exceeded once a job, as soon as enough devices have ended', async () => {
  const { webhookId } = await givenWebhook({ events: ['job.threshold'], failureShare: 0.25, minimumDevices: 2 })
  const look = () => findExceededThresholds(deps).run(clock.now())
  const jobId = await givenRunning()
  const keyOf = (number: number) => ({ jobId, deviceId: `pump-000${number}` })
  await dispatch(deps, keyOf(1), keyOf(2), keyOf(3), keyOf(4))
  await answer(deps, { ...keyOf(1), response: { status: 500, payload: 'null' } })
  const { next } = await look()
  expect(next).toEqual(new Date(clock.now().getTime() + 1_000))
  expect(await deliveriesOf(webhookId)).toEqual([])
  await answer(deps, { ...keyOf(2), response: { status: 200, payload: 'null' } })
  await look()
  await look()
  await deliver()
  expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
    { type: 'job.threshold', data: { jobId, succeededCount: 2, refusedCount: 1, failedCount: 0 } },
  ])
  await answer(
    deps,
    { ...keyOf(3), response: { status: 500, payload: 'null' } },
    { ...keyOf(4), response: { status: 500, payload: 'null' } },
  )
  await runFinish()
  expect(await deliveriesOf(webhookId)).toHaveLength(1)
  expect((await look()).next).toBeUndefined()
})

test('a job that ends before anybody looked is judged by its end', async () => {
  const { webhookId } = await givenWebhook({ events: ['job.threshold'], failureShare: 0.5 })
  const jobId = await givenRunning()
  await dispatch(deps, { jobId, deviceId: 'pump-0001' })
  clock.advance(600_000)
  await runFinish()
  expect(await onlyDelivery(webhookId)).toMatchObject({ jobId, event: 'job.threshold' })
})

test('metrics count the attempts by outcome, and what is pending', async () => {
  const metrics = createMetrics()
  const counted = deliverWebhooks(deps, metrics)
  await givenWebhook()
  await givenEnded()
  const printed = async () => {
    const lines = (await metrics.print()).split('\n')
    // Counters begin at 0.
    return lines.filter((line) => line.startsWith('twincast_webhook_') && !line.endsWith('} 0'))
  }
  expect(await printed()).toEqual(['twincast_webhook_deliveries_pending 1'])
  receiver.answer((response) => response.writeHead(500).end())
  await deliver(counted)
  receiver.answer((response) => response.writeHead(410).end())
  clock.advance(5_000)
  await deliver(counted)
  await counted.close()
  expect(await printed()).toEqual([
    'twincast_webhook_attempts_total{outcome="failed"} 1',
    'twincast_webhook_attempts_total{outcome="dead"} 1',
    'twincast_webhook_deliveries_pending 0',
  ])
})

test('a hub without webhooks looks for some once, however many jobs it runs', async () => {
  const statements = (work: () => Promise<unknown>) => countStatements(work)
  expect(await statements(() => step.run(clock.now()))).toBe(1)
  expect(await statements(() => step.run(clock.now()))).toBe(0)
  const { webhookId } = await givenWebhook()
  await givenEnded()
  await deliver()
  expect(await onlyDelivery(webhookId)).toMatchObject({ status: 'delivered' })
})

test('a webhook adds no statement to a job: only its deliveries have some', async () => {
  const ofJob = () =>
    countStatements(async () => {
      const jobId = await givenRunning()
      for (const deviceId of ['pump-0001', 'pump-0002', 'pump-0003', 'pump-0004']) {
        await dispatch(deps, { jobId, deviceId })
        await answer(deps, { jobId, deviceId, response: { status: 200, payload: 'null' } })
      }
      await pause(jobId)
      await resume(jobId)
      await runFinish()
      expect((await jobRow(deps, jobId)).status).toBe('completed')
    })
  await ofJob() // the first one reads settings of connections
  const without = await ofJob()
  const { webhookId } = await givenWebhook({ events: [...webhookEvents], failureShare: 0.5 })
  expect(await ofJob()).toBe(without)
  expect((await deliveriesOf(webhookId)).map(({ event }) => event).sort()).toEqual([
    'job.ended',
    'job.paused',
    'job.resumed',
    'job.started',
  ])
})
