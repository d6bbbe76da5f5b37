import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'

const viewers: Readonly<Record<string, Viewer>> = {
  owner,
  otto: personWith({ rights: ['readJobs', 'writeJobs'], name: 'otto', roles: ['operator'] }),
  anna: personWith({ rights: ['readJobs', 'approveJobs'], name: 'anna', roles: ['approver'] }),
  both: personWith({ rights: ['readJobs', 'writeJobs', 'approveJobs'], name: 'both', roles: ['admin'] }),
}

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ authenticate: async (token) => viewers[token ?? 'owner'] ?? owner })
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(() => door.close())

async function schedule(as: string): Promise<string> {
  const { data, errors } = await door.ask(
    `mutation ($input: ScheduleDeviceMethodInput!) {
      scheduleDeviceMethod(input: $input) { ... on ScheduleJobPayload { jobId job { status rollout { approval } } } }
    }`,
    {
      input: {
        queryCondition: '*',
        cloudToDeviceMethod: { methodName: 'reboot' },
        rollout: { approval: true },
      },
    },
    { authorization: as },
  )
  expect(errors).toEqual([])
  const { jobId, job } = Object(data).scheduleDeviceMethod
  expect(job).toEqual({ status: 'WAITING_FOR_APPROVAL', rollout: { approval: true } })
  return jobId
}

async function decide(field: 'approveJob' | 'rejectJob', as: string, input: object) {
  const name = `${field.charAt(0).toUpperCase()}${field.slice(1)}`
  const { data, errors } = await door.ask(
    `mutation ($input: ${name}Input!) {
      ${field}(input: $input) {
        __typename
        ... on ${name}Payload { jobId job { status outcome statusMessage blockers { reason } } }
        ... on Error { code message }
        ... on InvalidInputError { path }
      }
    }`,
    { input },
    { authorization: as },
  )
  return { result: Object(data)[field], errors }
}

test('a person approves the job of another, and the history says who and why', async () => {
  const jobId = await schedule('otto')
  const waiting = await door.ask(
    '{ jobs(first: 10, filter: { status: [WAITING_FOR_APPROVAL] }) { nodes { jobId blockers { reason } eta } } }',
  )
  expect(waiting.data).toEqual({ jobs: { nodes: [{ jobId, blockers: [{ reason: 'APPROVAL' }], eta: null }] } })
  const { result } = await decide('approveJob', 'anna', { jobId, reason: 'ticket 4711' })
  expect(result).toEqual({
    __typename: 'ApproveJobPayload',
    jobId,
    job: { status: 'SCHEDULED', outcome: null, statusMessage: null, blockers: [] },
  })
  const { data } = await door.ask(`{ job(jobId: "${jobId}") { history { type cause actor reason } } }`)
  expect(Object(data).job.history.slice(1)).toEqual([
    { type: 'APPROVED', cause: 'USER', actor: 'anna', reason: 'ticket 4711' },
  ])
})

test('a person who may approve jobs cannot approve an own one, but reject it', async () => {
  const jobId = await schedule('both')
  expect((await decide('approveJob', 'both', { jobId })).result).toMatchObject({
    __typename: 'InvalidInputError',
    path: ['jobId'],
  })
  expect((await decide('rejectJob', 'both', { jobId, reason: 'too early' })).result).toMatchObject({
    __typename: 'RejectJobPayload',
    job: { status: 'CANCELLED', outcome: 'CANCELLED', statusMessage: 'too early' },
  })
  expect((await decide('rejectJob', 'anna', { jobId })).result).toMatchObject({ __typename: 'ConflictError' })
})

test('whoever may change jobs may not approve or reject them without the right to do so', async () => {
  const jobId = await schedule('owner')
  for (const field of ['approveJob', 'rejectJob'] as const) {
    const { errors } = await decide(field, 'otto', { jobId })
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', missing: { right: 'approveJobs' } } }])
  }
})

test('a subscription to the job moves with the approval', async () => {
  const jobId = await schedule('otto')
  const { data } = await door.ask(`{ job(jobId: "${jobId}") { version } }`)
  const changes: string[] = []
  const stop = door.deps.events.listen('job', jobId)(() => changes.push(jobId))
  await decide('approveJob', 'anna', { jobId })
  // It comes later when the job was scheduled a moment ago: changes in quick succession become one event.
  await expect.poll(() => changes).toContain(jobId)
  stop()
  const after = await door.ask(`{ job(jobId: "${jobId}") { version } }`)
  expect(Object(after.data).job.version).toBe(Object(data).job.version + 1)
})
