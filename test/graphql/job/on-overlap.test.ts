import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { cancelJob } from '../../../src/job/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'

let clock: TestClock
let door: TestDoor
const viewers: Readonly<Record<string, Viewer>> = {
  scoped: personWith({ rights, scope: scopeOf(["deviceId = 'pump-0001'"]) }),
}
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, authenticate: async (name = 'owner') => viewers[name] ?? owner })
  await givenDevices(door.deps, 'pump', 2)
})
afterAll(() => door.close())
beforeEach(async () => {
  for (const table of ['device_job', 'job_event', 'job']) await door.deps.database.pool.query(`delete from ${table}`)
  clock.advance(1)
})

const ask = async (query: string, variables = {}, authorization = 'owner') => {
  const { data, errors } = await door.ask(query, variables, { authorization })
  expect(errors).toEqual([])
  return Object(data)
}
const run = async () => {
  while ((await startDueJobs(door.deps, { maxRunning: 10 }).run(clock.now())).full);
}
const givenRunning = async (jobId: string) => {
  await givenMethodJob(door.deps, 'pump', {}, { jobId })
  await run()
}
const schedule = (input: object) =>
  ask(
    `mutation ($input: ScheduleDeviceMethodInput!) {
      scheduleDeviceMethod(input: $input) {
        ... on ScheduleJobPayload { job { jobId onOverlap } } ... on Error { code message } ... on InvalidInputError { path }
      }
    }`,
    { input: { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' }, ...input } },
  ).then((data) => data.scheduleDeviceMethod)

const shown = `query ($jobId: String!) { job(jobId: $jobId) {
  status onOverlap eta blockers { reason message position job { jobId } } history { type status cause actor reason }
} }`

test('a job shows which one it waits for, but not to viewers that may not know it', async () => {
  await givenRunning('first')
  expect(await schedule({ jobId: 'second', onOverlap: 'QUEUE' })).toEqual({
    job: { jobId: 'second', onOverlap: 'QUEUE' },
  })
  await run()
  const { job } = await ask(shown, { jobId: 'second' })
  expect(job).toEqual({
    status: 'QUEUED',
    onOverlap: 'QUEUE',
    eta: null,
    blockers: [
      {
        reason: 'JOB',
        message: 'The job waits for job "first", which has some of the same devices.',
        position: null,
        job: { jobId: 'first' },
      },
    ],
    history: [
      { type: 'SCHEDULED', status: 'QUEUED', cause: 'USER', actor: owner.name, reason: null },
      {
        type: 'WAITING',
        status: 'QUEUED',
        cause: 'HUB',
        actor: null,
        reason: 'Job "first" has some of the same devices, and has not ended.',
      },
    ],
  })
  const foreign = (await ask(shown, { jobId: 'second' }, 'scoped')).job
  expect(foreign.blockers).toEqual([
    {
      reason: 'JOB',
      message: 'The job waits for another job, which has some of the same devices.',
      position: null,
      job: null,
    },
  ])
  expect(foreign.history[1]).toMatchObject({ type: 'WAITING', reason: null })
})

test('a job that waits has no place in the queue, and gets one when the other has ended', async () => {
  await givenRunning('first')
  await schedule({ jobId: 'second', onOverlap: 'QUEUE' })
  await run()
  clock.advance(1)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'third' })
  const blockersOf = async (jobId: string) =>
    (await ask(`{ job(jobId: "${jobId}") { blockers { reason position } } }`)).job.blockers
  expect(await blockersOf('third')).toEqual([{ reason: 'SLOT', position: 1 }])
  await cancelJob(door.deps, tester, 'first')
  expect(await blockersOf('second')).toEqual([{ reason: 'SLOT', position: 1 }])
  expect(await blockersOf('third')).toEqual([{ reason: 'SLOT', position: 2 }])
})

test('subscribers learn that a job waits, and that it has started', async () => {
  await givenRunning('first')
  await schedule({ jobId: 'second', onOverlap: 'QUEUE' })
  const changed = vi.spyOn(door.deps.events, 'jobChanged')
  await run()
  expect(changed.mock.calls).toEqual([['second']])
  await cancelJob(door.deps, tester, 'first')
  await run()
  expect(changed.mock.calls.slice(1)).toEqual([['first'], ['second']])
  changed.mockRestore()
})

test('a job is refused because of another one, and nothing is scheduled', async () => {
  await givenRunning('first')
  expect(await schedule({ jobId: 'second', onOverlap: 'REFUSE' })).toEqual({
    code: 'CONFLICT',
    message: 'The job was refused, because another job has some of its devices: "first".',
  })
  expect(await schedule({ jobId: 'first', onOverlap: 'REFUSE' })).toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(await door.deps.db.prisma.job.count()).toBe(1)
})

test('a continuous job cannot give way', async () => {
  expect(await schedule({ targets: 'CONTINUOUS', onOverlap: 'QUEUE' })).toMatchObject({
    code: 'INVALID_INPUT',
    path: ['onOverlap'],
  })
  expect(await schedule({ targets: 'CONTINUOUS', onOverlap: 'PARALLEL' })).toMatchObject({
    job: { onOverlap: 'PARALLEL' },
  })
})

test('a preview shows which jobs would be in the way', async () => {
  await givenRunning('first')
  clock.advance(1)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'queued' })
  const blocking = async (onOverlap: string | null) => {
    const { previewJob } = await ask(
      `query ($input: PreviewJobInput!) {
        previewJob(input: $input) { ... on JobPreview { overlaps { job { jobId } blocksStart } } }
      }`,
      { input: { queryCondition: '*', onOverlap } },
    )
    return previewJob.overlaps.map((overlap: { job: { jobId: string }; blocksStart: boolean }) => [
      overlap.job.jobId,
      overlap.blocksStart,
    ])
  }
  const all = (queued: boolean, first: boolean) => [
    ['queued', queued],
    ['first', first],
  ]
  expect(await blocking(null)).toEqual(all(false, false))
  expect(await blocking('QUEUE')).toEqual(all(false, true))
  expect(await blocking('REFUSE')).toEqual(all(true, true))
})

test('the audit has what a job does about others', async () => {
  await schedule({ jobId: 'second', onOverlap: 'QUEUE' })
  const { auditLog } = await ask('{ auditLog(first: 1) { nodes { target detail } } }')
  expect(auditLog.nodes).toEqual([{ target: 'second', detail: expect.objectContaining({ onOverlap: 'queue' }) }])
})
