import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { rights } from '../../src/access/rights.ts'
import type { Viewer } from '../../src/access/viewer.ts'
import { cancelJob, scheduleJob } from '../../src/job/commands.ts'
import { createJobSchedule } from '../../src/job-schedule/commands.ts'
import { createJobTemplate } from '../../src/job-template/commands.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { createTestClock } from '../support/clock.ts'
import { openDoor, personWith, type TestDoor } from './door.ts'

const north = scopeOf(["tags.site = 'north'"])
const author = personWith({ rights, name: 'author' })
const viewers: Readonly<Record<string, Viewer>> = {
  author,
  reader: personWith({ rights: ['readJobs', 'readDevices', 'readTwins'], name: 'reader' }),
  scoped: personWith({ rights, scope: north, name: 'scoped' }),
}

const call = { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }
const patch = { queryCondition: '*', updateTwin: { tags: { site: 'north' } } }
const nightly = { templateId: 'checked', cron: '30 2 * * *', timeZone: 'UTC' }

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({
    clock: createTestClock(new Date('2026-12-01T12:00:00Z')),
    authenticate: async (name = 'author') => viewers[name] ?? author,
  })
  const { deps } = door
  await createJobTemplate(deps, author, { ...call, templateId: 'checked', rollout: { approval: true } })
  await createJobSchedule(deps, author, {
    ...nightly,
    scheduleId: 'nightly',
    onMissed: 'skip',
    onOverlap: 'skip',
  })
  await scheduleJob(deps, author, {
    ...call,
    type: 'scheduleDeviceMethod',
    jobId: 'waiting',
    rollout: { approval: true },
  })
  await scheduleJob(deps, author, { ...call, type: 'scheduleDeviceMethod', jobId: 'ended' })
  await cancelJob(deps, author, 'ended')
  await scheduleJob(deps, author, { ...call, type: 'scheduleDeviceMethod', jobId: 'open' })
})
afterAll(() => door.close())

/** Everything that a refused request must leave as it is. */
async function stored(): Promise<unknown> {
  const { rows } = await door.deps.database.pool.query(`select
    (select json_agg(job order by id) from job) as jobs,
    (select json_agg(event order by job_key, version) from job_event event) as events,
    (select json_agg(template order by id) from job_template template) as templates,
    (select json_agg(schedule order by id) from job_schedule schedule) as schedules`)
  return rows
}

let before: unknown
beforeEach(async () => {
  before = await stored()
})
afterEach(async () => {
  expect(await stored()).toEqual(before)
})

async function request(operation: string, input: object, authorization = 'author') {
  const type = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`
  const paths = operation.startsWith('delete') ? '' : '... on InvalidInputError { path }'
  const { data, errors } = await door.ask(
    `${operation === 'previewJob' ? 'query' : 'mutation'} ($input: ${type}Input!) {
      ${operation}(input: $input) { __typename ... on Error { code message } ${paths} }
    }`,
    { input },
    { authorization },
  )
  return { result: Object(data)[operation], errors }
}

describe.each([
  ['scheduleDeviceMethod', { ...call, jobId: 'refused' }],
  ['scheduleTwinUpdate', { ...patch, jobId: 'refused' }],
  ['previewJob', call],
  ['createJobTemplate', { ...call, templateId: 'refused' }],
  ['updateJobTemplate', { templateId: 'checked', name: 'Changed' }],
])('%s changes nothing and names the member for', (operation, input) => {
  const rule = { on: ['FAILED'], percent: 3, action: 'PAUSE' }
  test.each<[what: string, rollout: object, path: readonly string[]]>([
    ['a percentage of a rule below 0', { abort: [{ ...rule, percent: -0.01 }] }, ['abort', '0', 'percent']],
    ['a percentage of a rule above 100', { abort: [{ ...rule, percent: 100.01 }] }, ['abort', '0', 'percent']],
    [
      'a share of a gate above 100',
      { waves: [{ devices: 1, gate: { succeededPercent: 100.01 } }, {}] },
      ['waves', '0', 'gate', 'succeededPercent'],
    ],
    ['a share of a wave above 100', { waves: [{ percent: 101 }, {}] }, ['waves', '0', 'percent']],
    ['no waves', { waves: [] }, ['waves']],
    ['an empty wave', { waves: [{ devices: 0 }, {}] }, ['waves', '0', 'devices']],
    ['waves that leave no rest', { waves: [{ percent: 60 }, { percent: 40 }, {}] }, ['waves', '1', 'percent']],
    ['a last wave that is not the rest', { waves: [{ devices: 1 }, { devices: 1 }] }, ['waves', '1', 'devices']],
    ['a rate of 0', { maxPerMinute: 0 }, ['maxPerMinute']],
    [
      'a window in a zone that does not exist',
      { window: { from: '02:00', to: '04:00', timeZone: 'Mars/Base' } },
      ['window', 'timeZone'],
    ],
  ])('%s', async (_what, rollout, path) => {
    expect((await request(operation, { ...input, rollout })).result).toMatchObject({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      path: ['rollout', ...path],
    })
  })
})

const slow = { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 300 } }
describe.each([
  ['scheduleDeviceMethod', { ...slow, jobId: 'refused' }],
  ['previewJob', slow],
  ['createJobTemplate', { ...slow, templateId: 'refused' }],
  ['updateJobTemplate', { templateId: 'checked', cloudToDeviceMethod: slow.cloudToDeviceMethod }],
])('%s changes nothing and names the member for', (operation, input) => {
  test.each<[what: string, rollout: object, path: readonly string[]]>([
    [
      'a window that is shorter than the response timeout',
      { window: { from: '02:00', to: '02:05', timeZone: 'UTC' } },
      ['window', 'to'],
    ],
    [
      'a retry of an error code that does not exist',
      { retry: { maxAttempts: 2, on: ['GatewayTimeout', 'NoSuchCode'] } },
      ['retry', 'on', '1'],
    ],
  ])('%s', async (_what, rollout, path) => {
    expect((await request(operation, { ...input, rollout })).result).toMatchObject({
      __typename: 'InvalidInputError',
      path: ['rollout', ...path],
    })
  })
})

test.each([
  { onOverlap: 'PARALLEL' },
  { rollout: { window: { from: '02:00', to: '04:00', timeZone: 'UTC' } } },
  { rollout: { retry: { maxAttempts: 2, on: ['GatewayTimeout'] } } },
])('updateJob does not change what a job was scheduled with: %j', async (change) => {
  const { errors } = await request('updateJob', { jobId: 'open', ...change })
  expect(errors).toMatchObject([{ message: expect.stringContaining('is not defined by type') }])
})

describe('a request changes nothing that', () => {
  test.each<[what: string, operation: string, input: object, path: readonly string[]]>([
    [
      'limits the groups at a path that no device can have',
      'createJobTemplate',
      { ...call, templateId: 'refused', rollout: { budget: { groupBy: 'site', maxConcurrent: 1 } } },
      ['rollout', 'budget', 'groupBy'],
    ],
    ['sets the rate to 0', 'updateJob', { jobId: 'open', rollout: { maxPerMinute: 0 } }, ['rollout', 'maxPerMinute']],
    ['approves an own job', 'approveJob', { jobId: 'waiting' }, ['jobId']],
    [
      'plans in a zone that does not exist',
      'createJobSchedule',
      { ...nightly, scheduleId: 'refused', timeZone: 'Mars/Base' },
      ['timeZone'],
    ],
    [
      'plans times that never come',
      'createJobSchedule',
      { ...nightly, scheduleId: 'refused', cron: '0 0 30 2 *' },
      ['cron'],
    ],
  ])('%s', async (_what, operation, input, path) => {
    expect((await request(operation, input)).result).toMatchObject({ __typename: 'InvalidInputError', path })
  })

  test('resumes a job that has ended', async () => {
    expect((await request('resumeJob', { jobId: 'ended' })).result).toMatchObject({
      __typename: 'ConflictError',
      message: "Job cannot be resumed in 'Cancelled' status.",
    })
  })
})

describe('a template or a schedule is denied to a caller that', () => {
  test.each([
    ['scheduleFromTemplate', { templateId: 'checked', jobId: 'refused' }],
    ['createJobSchedule', { ...nightly, scheduleId: 'refused' }],
    ['updateJobSchedule', { scheduleId: 'nightly', templateId: 'checked' }],
  ])('may not schedule jobs (%s)', async (operation, input) => {
    const { errors } = await request(operation, input, 'reader')
    expect(errors).toMatchObject([
      { path: [operation], extensions: { code: 'FORBIDDEN', missing: { right: 'writeJobs' } } },
    ])
  })

  test.each([
    ['createJobTemplate', { ...call, templateId: 'refused' }],
    ['updateJobTemplate', { templateId: 'checked', queryCondition: "tags.site = 'south'" }],
    ['deleteJobTemplate', { templateId: 'checked' }],
    ['updateJobSchedule', { scheduleId: 'nightly', cron: '0 4 * * *' }],
    ['deleteJobSchedule', { scheduleId: 'nightly' }],
  ])('has a scope and would change it for others (%s)', async (operation, input) => {
    const { errors } = await request(operation, input, 'scoped')
    expect(errors).toMatchObject([{ path: [operation], extensions: { code: 'FORBIDDEN' } }])
  })
})
