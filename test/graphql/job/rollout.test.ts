import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pauseJob } from '../../../src/job/commands.ts'
import { givenDevices, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'

let door: TestDoor
let ids: string[]
beforeAll(async () => {
  door = await openDoor()
  ids = await givenDevices(door.deps, 'pump', 5)
})
afterAll(() => door.close())

async function schedule(field: 'scheduleDeviceMethod' | 'scheduleTwinUpdate', abort: unknown) {
  const operation =
    field === 'scheduleDeviceMethod'
      ? { cloudToDeviceMethod: { methodName: 'reboot' } }
      : { updateTwin: { tags: { a: 1 } } }
  const { data, errors } = await door.ask(
    `mutation ($input: ${field === 'scheduleDeviceMethod' ? 'ScheduleDeviceMethodInput' : 'ScheduleTwinUpdateInput'}!) {
      ${field}(input: $input) {
        ... on ScheduleJobPayload { jobId job { rollout { abort {
          on percent afterDevices action matchedCount endedCount hasActed
        } } } }
        ... on Error { code message }
        ... on InvalidInputError { path }
      }
    }`,
    { input: { queryCondition: "tags.fleet = 'pump'", ...operation, rollout: { abort } } },
  )
  expect(errors).toEqual([])
  return Object(data)[field]
}

const read = async (jobId: string, selection: string) => {
  const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${selection} } }`)
  expect(errors).toEqual([])
  return Object(data).job
}

test('a rule pauses a job, which then shows the rule, what it counted, and what it waits for', async () => {
  const { jobId, job } = await schedule('scheduleDeviceMethod', [
    { on: ['FAILED', 'REFUSED'], percent: 40, action: 'PAUSE' },
    { on: ['FAILED'], percent: 90, afterDevices: 100, action: 'CANCEL' },
  ])
  const [first, second] = [
    { on: ['FAILED', 'REFUSED'], percent: 40, afterDevices: 1, action: 'PAUSE' },
    { on: ['FAILED'], percent: 90, afterDevices: 100, action: 'CANCEL' },
  ]
  const nothing = { matchedCount: 0, endedCount: 0, hasActed: false }
  expect(job.rollout.abort).toEqual([
    { ...first, ...nothing },
    { ...second, ...nothing },
  ])
  await start(door.deps, jobId)
  await dispatch(door.deps, ...ids.slice(0, 4).map((deviceId) => ({ jobId, deviceId })))
  const refused = { response: { status: 500, payload: 'null' } }
  const ok = { response: { status: 200, payload: 'null' } }
  await answer(door.deps, ...[ok, ok, refused].map((how, index) => ({ jobId, deviceId: ids[index] ?? '', ...how })))
  expect(await read(jobId, 'status')).toEqual({ status: 'RUNNING' })
  await answer(door.deps, { jobId, deviceId: ids[3] ?? '', error: { code: 'GatewayTimeout', description: 'x' } })
  const shown = await read(
    jobId,
    `status rollout { abort { matchedCount endedCount hasActed } } blockers { reason message }
     history { type status cause actor reason abort {
       on percent afterDevices action matchedCount endedCount reachedPercent callsInProgress
     } }`,
  )
  expect(shown).toMatchObject({
    status: 'PAUSED',
    rollout: {
      abort: [
        { matchedCount: 2, endedCount: 4, hasActed: true },
        { matchedCount: 1, endedCount: 4, hasActed: false },
      ],
    },
    blockers: [
      {
        reason: 'PAUSED',
        message:
          'An abort rule paused the job, because at least 40 % of the devices failed or refused. It goes on when it is resumed.',
      },
    ],
  })
  expect(shown.history[0].abort).toBeNull()
  expect(shown.history.at(-1)).toEqual({
    type: 'PAUSED',
    status: 'PAUSED',
    cause: 'RULE',
    actor: null,
    reason: '2 of 4 devices failed or refused: at least 40 %. Calls in progress: 0.',
    abort: { ...first, matchedCount: 2, endedCount: 4, reachedPercent: 50, callsInProgress: 0 },
  })
})

test('a job without rules has no rollout, and one that a client paused does not blame a rule', async () => {
  const { jobId, job } = await schedule('scheduleTwinUpdate', [])
  expect(job.rollout).toBeNull()
  await pauseJob(door.deps, tester, jobId)
  expect(await read(jobId, 'blockers { message }')).toEqual({
    blockers: [{ message: 'The job is paused. It goes on when it is resumed.' }],
  })
})

test('a rule counts an error code or a response status, and shows which', async () => {
  const { jobId, job } = await schedule('scheduleDeviceMethod', [
    { errorCode: 'GatewayTimeout', percent: 90, afterDevices: 9, action: 'PAUSE' },
    { responseStatus: 503, percent: 50, afterDevices: 2, action: 'PAUSE' },
    { on: ['TIMED_OUT'], percent: 80, afterDevices: 9, action: 'CANCEL' },
  ])
  expect(job.rollout.abort).toMatchObject([
    { on: [], percent: 90 },
    { on: [], percent: 50 },
    { on: ['TIMED_OUT'], percent: 80 },
  ])
  await start(door.deps, jobId)
  await dispatch(door.deps, ...ids.slice(0, 2).map((deviceId) => ({ jobId, deviceId })))
  await answer(
    door.deps,
    { jobId, deviceId: ids[0] ?? '', error: { code: 'GatewayTimeout', description: 'x' } },
    { jobId, deviceId: ids[1] ?? '', response: { status: 503, payload: 'null' } },
  )
  const selection = 'on errorCode responseStatus matchedCount'
  const shown = await read(
    jobId,
    `rollout { abort { ${selection} hasActed } } blockers { message } history { abort { ${selection} } }`,
  )
  expect(shown.rollout.abort).toEqual([
    { on: [], errorCode: 'GatewayTimeout', responseStatus: null, matchedCount: 1, hasActed: false },
    { on: [], errorCode: null, responseStatus: 503, matchedCount: 1, hasActed: true },
    { on: ['TIMED_OUT'], errorCode: null, responseStatus: null, matchedCount: 1, hasActed: false },
  ])
  expect(shown.history.at(-1).abort).toEqual({ on: [], errorCode: null, responseStatus: 503, matchedCount: 1 })
  expect(shown.blockers[0].message).toContain('at least 50 % of the devices answered with status 503')
})

describe.each(['scheduleDeviceMethod', 'scheduleTwinUpdate'] as const)('%s refuses', (field) => {
  const rule = { on: ['FAILED'], percent: 3, action: 'PAUSE' }
  test.each<[string, readonly object[], string[]]>([
    ['a percentage below 0', [{ ...rule, percent: -1 }], ['0', 'percent']],
    ['a percentage above 100', [{ ...rule, percent: 101 }], ['0', 'percent']],
    ['a rule after no device', [{ ...rule, afterDevices: 0 }], ['0', 'afterDevices']],
    ['a rule without results', [{ ...rule, on: [] }], ['0', 'on']],
    ['two same rules', [rule, rule], ['1']],
    ['a rule that counts nothing', [{ ...rule, on: null }], ['0', 'on']],
    ['a rule that counts two things', [{ ...rule, responseStatus: 503 }], ['0', 'responseStatus']],
    ['an unknown error code', [{ ...rule, on: null, errorCode: 'Late' }], ['0', 'errorCode']],
    ['eleven rules', Array.from({ length: 11 }, (_, percent) => ({ ...rule, percent })), []],
  ])('%s', async (_what, abort, path) => {
    expect(await schedule(field, abort)).toMatchObject({
      code: 'INVALID_INPUT',
      path: ['input', 'rollout', 'abort', ...path].slice(1),
    })
  })
})
