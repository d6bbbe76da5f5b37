import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { approveJob, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, retryJob, scheduleJob, updateJob } from '../../src/job/commands.ts'
import { createJobTemplate, requestOf, updateJobTemplate } from '../../src/job-template/commands.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { byPolicy, givenDevices, givenMethodJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
const approver = byPolicy('approver')

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 2)
})
afterAll(() => deps.close())
beforeEach(() => deps.database.pool.query('delete from job'))

const givenJob = (request = {}) => givenMethodJob(deps, 'pump', {}, { rollout: { approval: true }, ...request })
const runSteps = async () => {
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  await finishJobs(deps).run(clock.now())
}
const statusOf = async (jobId: string) => (await jobRow(deps, jobId)).status
const historyOf = async (jobId: string) => {
  const { rows } = await deps.database.pool.query(
    `select event.type, event.status, cause, actor, reason from job_event event join job on key = job_key
     where id = $1 order by event.version`,
    [jobId],
  )
  return rows
}

describe('a job that needs an approval', () => {
  test('does not start without it, and starts as soon as somebody else has approved it', async () => {
    const jobId = await givenJob()
    await runSteps()
    expect(await statusOf(jobId)).toBe('waitingForApproval')
    await approveJob(deps, approver, { jobId, reason: 'ticket 4711' })
    await runSteps()
    expect(await statusOf(jobId)).toBe('running')
    const byUser = { cause: 'user' }
    expect(await historyOf(jobId)).toMatchObject([
      { type: 'scheduled', status: 'waitingForApproval', ...byUser, actor: 'tester' },
      { type: 'approved', status: 'scheduled', ...byUser, actor: 'approver', reason: 'ticket 4711' },
      { type: 'queued', status: 'queued', cause: 'schedule' },
      { type: 'started', status: 'running' },
    ])
  })

  test('has its start decided as its first wave, which never decides about another one', async () => {
    const waves = [{ devices: 1, gate: { approval: true } }, {}]
    for (const rollout of [{ approval: true }, { approval: true, waves }]) {
      const jobId = await givenJob({ rollout })
      await expect(approveJob(deps, approver, { jobId, wave: 2 })).rejects.toMatchObject({ code: 'CONFLICT' })
      await approveJob(deps, approver, { jobId, wave: 1 })
      await runSteps()
      expect(await statusOf(jobId)).toBe('running')
      for (const decide of [approveJob, rejectJob]) {
        await expect(decide(deps, approver, { jobId, wave: 1 })).rejects.toMatchObject({ code: 'CONFLICT' })
      }
    }
  })

  test('waits for its start time after the approval', async () => {
    const jobId = await givenJob({ startTime: new Date(clock.now().getTime() + 60_000) })
    await approveJob(deps, approver, { jobId })
    await runSteps()
    expect(await statusOf(jobId)).toBe('scheduled')
  })

  test('is not approved by the client that scheduled it, and nothing changes', async () => {
    const jobId = await givenJob()
    const before = await jobRow(deps, jobId)
    await expect(approveJob(deps, tester, { jobId })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path: ['jobId'],
      message: `You have scheduled job "${jobId}". Somebody else has to approve it.`,
    })
    expect(await jobRow(deps, jobId)).toEqual(before)
    expect(await historyOf(jobId)).toHaveLength(1)
  })

  test('ends when it is rejected, also by the client that scheduled it, and never starts', async () => {
    for (const by of [approver, tester]) {
      const jobId = await givenJob()
      await rejectJob(deps, by, { jobId, reason: 'wrong site' })
      await runSteps()
      expect(await jobRow(deps, jobId)).toMatchObject({
        status: 'cancelled',
        statusMessage: 'wrong site',
        startedTime: null,
        endTime: clock.now(),
      })
      expect((await historyOf(jobId)).at(-1)).toMatchObject({ type: 'rejected', status: 'cancelled', actor: by.name })
    }
  })

  test('can be cancelled and changed, but not paused', async () => {
    const jobId = await givenJob()
    await expect(pauseJob(deps, tester, jobId)).rejects.toThrow("Job cannot be paused in 'WaitingForApproval' status.")
    await updateJob(deps, tester, { jobId, extendBySeconds: 60 })
    expect(await statusOf(jobId)).toBe('waitingForApproval')
    await cancelJob(deps, tester, jobId)
    expect(await jobRow(deps, jobId)).toMatchObject({ status: 'cancelled', endTime: clock.now() })
  })

  test('fails at its deadline when nobody has approved it', async () => {
    const jobId = await givenJob({ maxExecutionTimeInSeconds: 60 })
    clock.advance(60_000)
    await runSteps()
    expect(await jobRow(deps, jobId)).toMatchObject({
      status: 'failed',
      failureReason: 'The deadline of the job passed before it was approved.',
    })
    await expect(approveJob(deps, approver, { jobId })).rejects.toThrow("Job cannot be approved in 'Failed' status.")
  })

  test('has retries that need an approval, too, by somebody else than who retried it', async () => {
    const jobId = await givenJob()
    await approveJob(deps, approver, { jobId })
    await runSteps()
    await cancelJob(deps, tester, jobId)
    const retryId = await retryJob(deps, approver, { jobId, status: ['canceled'] })
    await runSteps()
    expect(await statusOf(retryId)).toBe('waitingForApproval')
    await expect(approveJob(deps, approver, { jobId: retryId })).rejects.toMatchObject({ path: ['jobId'] })
    await approveJob(deps, tester, { jobId: retryId })
    await runSteps()
    expect(await statusOf(retryId)).toBe('running')
  })

  test('is not approved by whoever changed its template last, and neither are its retries', async () => {
    const writer = byPolicy('writer')
    const input = { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' }, rollout: { approval: true } }
    await createJobTemplate(deps, tester, { templateId: 'reboot', ...input })
    await updateJobTemplate(deps, writer, 'reboot', { name: 'Reboot' })
    const { request, templateChangedBy } = await requestOf(deps, deps.db, 'reboot', {})
    const jobId = await scheduleJob(deps, byPolicy('other'), request, undefined, templateChangedBy)
    // Whoever changes the template after the job was scheduled has no part in the job.
    await updateJobTemplate(deps, approver, 'reboot', { name: 'Restart' })
    const refused = (id: string) => ({
      code: 'INVALID_INPUT',
      path: ['jobId'],
      message: `You have made the last change of the template of job "${id}". Somebody else has to approve it.`,
    })
    await expect(approveJob(deps, writer, { jobId })).rejects.toMatchObject(refused(jobId))
    await approveJob(deps, approver, { jobId })
    await runSteps()
    await cancelJob(deps, tester, jobId)
    const retryId = await retryJob(deps, tester, { jobId, status: ['canceled'] })
    await expect(approveJob(deps, writer, { jobId: retryId })).rejects.toMatchObject(refused(retryId))
    await rejectJob(deps, writer, { jobId: retryId })
    expect(await statusOf(retryId)).toBe('cancelled')
  })

  test('is approved by one of two clients that do so at the same time', async () => {
    const jobId = await givenJob()
    const results = await Promise.allSettled([
      approveJob(deps, approver, { jobId }),
      rejectJob(deps, byPolicy('other'), { jobId }),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await historyOf(jobId)).toHaveLength(2)
  })
})

test('a job that needs no approval can be neither approved nor rejected, nor can one that does not exist', async () => {
  const jobId = await givenMethodJob(deps, 'pump')
  await expect(approveJob(deps, approver, { jobId })).rejects.toThrow("Job cannot be approved in 'Queued' status.")
  await expect(rejectJob(deps, approver, { jobId })).rejects.toThrow("Job cannot be rejected in 'Queued' status.")
  await expect(approveJob(deps, approver, { jobId: 'unknown' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('approval is true or false', async () => {
  await expect(givenJob({ rollout: { approval: 'yes' } })).rejects.toMatchObject({ path: ['rollout', 'approval'] })
  expect(await statusOf(await givenJob({ rollout: { approval: false } }))).toBe('queued')
})
