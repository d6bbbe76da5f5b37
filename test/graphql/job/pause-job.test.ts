import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, finish, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
let first: string
beforeAll(async () => {
  clock = createTestClock(new Date('2026-01-01T00:00:00Z'))
  door = await openDoor({ clock })
  ;[first = ''] = await givenDevices(door.deps, 'pump', 2)
})
afterAll(() => door.close())

/** `pauseJob` or `resumeJob`. */
async function steer(field: 'pauseJob' | 'resumeJob', input: object, selection: string) {
  const name = `${field.charAt(0).toUpperCase()}${field.slice(1)}`
  const { data, errors } = await door.ask(
    `mutation ($input: ${name}Input!) {
      ${field}(input: $input) {
        __typename
        ... on ${name}Payload { ${selection} }
        ... on Error { code message }
        ... on InvalidInputError { path }
      }
    }`,
    { input },
  )
  expect(errors).toEqual([])
  return Object(data)[field]
}

const read = async (jobId: string, selection: string) => {
  const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${selection} } }`)
  expect(errors).toEqual([])
  return Object(data).job
}

test('pausing and resuming a running job answers with the job, and leaves both in its history', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, jobId)
  await dispatch(door.deps, { jobId, deviceId: first })
  const paused = await steer(
    'pauseJob',
    { jobId, reason: '3 % fail' },
    'jobId callsInProgress job { status version eta blockers { reason message } }',
  )
  const { version } = paused.job
  expect(paused).toEqual({
    __typename: 'PauseJobPayload',
    jobId,
    callsInProgress: 1,
    job: {
      status: 'PAUSED',
      version,
      eta: null,
      blockers: [
        { reason: 'PAUSED', message: 'The job is paused. It goes on when it is resumed.' },
        { reason: 'CALLS_UNDER_WAY', message: '1 device may still answer the call.' },
      ],
    },
  })
  await answer(door.deps, { jobId, deviceId: first, response: { status: 200, payload: 'null' } })
  clock.advance(1_000)
  const resumed = await steer('resumeJob', { jobId, reason: 'fixed' }, 'jobId job { status version }')
  expect(resumed).toEqual({
    __typename: 'ResumeJobPayload',
    jobId,
    job: { status: 'RUNNING', version: version + 2 },
  })
  const { history } = await read(jobId, 'history { type status cause actor reason version }')
  const byUser = { cause: 'USER', actor: 'iothubowner' }
  expect(history.slice(2)).toEqual([
    { type: 'PAUSED', status: 'PAUSED', ...byUser, reason: '3 % fail', version },
    { type: 'RESUMED', status: 'RUNNING', ...byUser, reason: 'fixed', version: version + 2 },
  ])
  expect(await read(jobId, 'blockers { reason } deviceJobStatistics { pendingCount succeededCount }')).toEqual({
    blockers: [{ reason: 'DEVICES_NOT_CONNECTED' }],
    deviceJobStatistics: { pendingCount: 1, succeededCount: 1 },
  })
})

test('jobs can be filtered by PAUSED', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'stopped' })
  await steer('pauseJob', { jobId }, 'jobId')
  const { data } = await door.ask('{ jobs(first: 10, filter: { status: [PAUSED] }) { nodes { jobId } } }')
  expect(data).toEqual({ jobs: { nodes: [{ jobId }] } })
  await steer('resumeJob', { jobId }, 'jobId')
})

describe('refused are', () => {
  test('an unknown job', async () => {
    expect(await steer('pauseJob', { jobId: 'nothing' }, 'jobId')).toMatchObject({ code: 'NOT_FOUND' })
    expect(await steer('resumeJob', { jobId: 'nothing' }, 'jobId')).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a pause of a paused job, and a resumption of a job that is not paused, that was cancelled or has ended', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { maxExecutionTimeInSeconds: 60 })
    const notPaused = await steer('resumeJob', { jobId }, 'jobId')
    expect(notPaused).toMatchObject({ __typename: 'ConflictError', message: expect.stringContaining("'Queued'") })
    await steer('pauseJob', { jobId }, 'jobId')
    expect(await steer('pauseJob', { jobId }, 'jobId')).toMatchObject({ __typename: 'ConflictError' })
    clock.advance(60_000)
    await finish(door.deps)
    expect(await steer('resumeJob', { jobId }, 'jobId')).toMatchObject({
      __typename: 'ConflictError',
      message: "Job cannot be resumed in 'Failed' status.",
    })
    expect(await steer('pauseJob', { jobId }, 'jobId')).toMatchObject({ __typename: 'ConflictError' })
  })

  test('a reason that is too long or cannot be stored', async () => {
    for (const field of ['pauseJob', 'resumeJob'] as const) {
      for (const reason of ['x'.repeat(1_025), 'a\0']) {
        expect(await steer(field, { jobId: 'nothing', reason }, 'jobId')).toMatchObject({
          __typename: 'InvalidInputError',
          path: ['reason'],
        })
      }
    }
  })
})
