import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDevices } from '../../../src/device/commands.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock } from '../../support/clock.ts'
import { givenPresent } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'

let door: TestDoor
const ids = ['north-1', 'north-2', 'north-3', 'south-1', 'away-1']
beforeAll(async () => {
  door = await openDoor({ clock: createTestClock() })
  await createDevices(
    door.deps,
    everything,
    ids.map((deviceId) => ({ deviceId, twin: { tags: { site: deviceId.slice(0, -2) } } })),
  )
  await givenPresent(door.deps, ids.slice(0, 4))
})
afterAll(() => door.close())

const payload = '... on ScheduleJobPayload { job { rollout { maxConcurrent budget { groupBy maxConcurrent } } } }'
const errors = '... on InvalidInputError { path message }'
const schedule = async (jobId: string, rollout: unknown) => {
  const { data } = await door.ask(
    `mutation ($input: ScheduleDeviceMethodInput!) { scheduleDeviceMethod(input: $input) { ${payload} ${errors} } }`,
    { input: { jobId, queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' }, rollout } },
  )
  return data.scheduleDeviceMethod
}
const update = async (jobId: string, rollout: unknown) => {
  const { data } = await door.ask(
    `mutation ($input: UpdateJobInput!) {
      updateJob(input: $input) { ... on UpdateJobPayload { job { rollout { budget { groupBy maxConcurrent } } } } ${errors} }
    }`,
    { input: { jobId, rollout } },
  )
  return data.updateJob
}
const blockersOf = async (jobId: string) => {
  const { data } = await door.ask(
    `{ job(jobId: "${jobId}") { blockers { reason message deviceCount { value precision } } } }`,
  )
  return Object(data.job).blockers
}

test('a job has the budget that it was given, of which the maximum can change, and which can be removed', async () => {
  const budget = { groupBy: 'tags.site', maxConcurrent: 1 }
  expect(await schedule('changing', { budget })).toEqual({ job: { rollout: { maxConcurrent: null, budget } } })
  expect(await update('changing', { budget: { maxConcurrent: 5 } })).toEqual({
    job: { rollout: { budget: { ...budget, maxConcurrent: 5 } } },
  })
  expect(await update('changing', { maxPerMinute: 60 })).toMatchObject({
    job: { rollout: { budget: { maxConcurrent: 5 } } },
  })
  expect(await update('changing', { budget: null })).toEqual({ job: { rollout: { budget: null } } })
  expect(await update('changing', { budget: { maxConcurrent: 5 } })).toEqual({
    path: ['rollout', 'budget'],
    message: expect.stringContaining('The job has no budget.'),
  })
  const { data } = await door.ask('{ job(jobId: "changing") { history { type changed } } }')
  expect(Object(data.job).history.slice(1)).toEqual(Array(3).fill({ type: 'UPDATED', changed: ['rollout'] }))
})

describe('refused with its path, and nothing is scheduled, is', () => {
  test.each([
    ['a path that does not parse', { groupBy: 'tags..site', maxConcurrent: 1 }, 'groupBy'],
    ['a name that no device has', { groupBy: 'site', maxConcurrent: 1 }, 'groupBy'],
    ['a maximum of 0', { groupBy: 'tags.site', maxConcurrent: 0 }, 'maxConcurrent'],
  ])('%s', async (_what, budget, member) => {
    expect(await schedule('refused', { budget })).toMatchObject({ path: ['rollout', 'budget', member] })
    expect((await door.ask('{ job(jobId: "refused") { jobId } }')).data).toEqual({ job: null })
  })

  test('a budget of a twin update, which is never in progress', async () => {
    const { data } = await door.ask(
      `mutation ($input: ScheduleTwinUpdateInput!) { scheduleTwinUpdate(input: $input) { ${errors} } }`,
      {
        input: {
          queryCondition: '*',
          updateTwin: { tags: { a: 1 } },
          rollout: { budget: { groupBy: 'tags.site', maxConcurrent: 1 } },
        },
      },
    )
    expect(data.scheduleTwinUpdate).toMatchObject({ path: ['rollout', 'budget'] })
  })
})

test('connected devices of full groups are a blocker, next to those that are not connected', async () => {
  await schedule('blocked', { budget: { groupBy: 'tags.site', maxConcurrent: 1 } })
  await start(door.deps, 'blocked')
  const notConnected = { reason: 'DEVICES_NOT_CONNECTED', deviceCount: { value: 1, precision: 'EXACT' } }
  expect(await blockersOf('blocked')).toMatchObject([notConnected])
  await dispatch(door.deps, { jobId: 'blocked', deviceId: 'north-1' }, { jobId: 'blocked', deviceId: 'south-1' })
  expect(await blockersOf('blocked')).toMatchObject([
    {
      reason: 'BUDGET',
      message: '2 devices wait for others of their group: the budget allows one call in progress per tags.site.',
      deviceCount: { value: 2, precision: 'EXACT' },
    },
    notConnected,
  ])
  await answer(door.deps, { jobId: 'blocked', deviceId: 'north-1', response: { status: 200, payload: 'null' } })
  expect(await blockersOf('blocked')).toMatchObject([notConnected])
})

test('devices of a wave that is not open wait for no group', async () => {
  const budget = { groupBy: 'tags.site', maxConcurrent: 1 }
  await schedule('in-waves', { budget, waves: [{ queryCondition: "deviceId = 'north-1'" }, {}] })
  await start(door.deps, 'in-waves')
  await dispatch(door.deps, { jobId: 'in-waves', deviceId: 'north-1' })
  expect(await blockersOf('in-waves')).toMatchObject([{ reason: 'GATE' }])
})
