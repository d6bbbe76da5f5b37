import { afterAll, beforeAll, expect, test } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { deleteDeviceGroup, saveDeviceGroup } from '../../../src/device-group/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { start } from '../facts.ts'

let door: TestDoor
const scoped = personWith({ rights, scope: scopeOf(["tags.site = 'north'"]) })
const viewers: Readonly<Record<string, Viewer>> = { scoped }
beforeAll(async () => {
  door = await openDoor({
    limits: { jobTemplates: 3 },
    authenticate: async (name = 'owner') => viewers[name] ?? owner,
  })
  await createDevices(door.deps, everything, [
    { deviceId: 'pump-1', twin: { tags: { site: 'north' } } },
    { deviceId: 'pump-2', twin: { tags: { site: 'south' } } },
  ])
})
afterAll(() => door.close())

const members = `templateId type queryCondition maxExecutionTimeInSeconds targets onOverlap rollout name description
  labels { name value } cloudToDeviceMethod { methodName payload connectTimeoutInSeconds } updateTwin etag updatedBy`
const errors =
  '... on Error { code message } ... on InvalidInputError { path } ... on QueryConditionError { line column }'
const create = `mutation ($input: CreateJobTemplateInput!) {
  createJobTemplate(input: $input) { ... on CreateJobTemplatePayload { jobTemplate { id ${members} } } ${errors} }
}`
const update = `mutation ($input: UpdateJobTemplateInput!) {
  updateJobTemplate(input: $input) { ... on UpdateJobTemplatePayload { jobTemplate { ${members} } } ${errors} }
}`
const remove = `mutation ($input: DeleteJobTemplateInput!) {
  deleteJobTemplate(input: $input) { ... on DeleteJobTemplatePayload { id templateId } ... on Error { code message } }
}`
const wholeRollout = `status targets onOverlap rollout {
    maxPerMinute maxConcurrent approval budget { groupBy maxConcurrent }
    abort { on errorCode responseStatus percent afterDevices action }
  }
  waves { devices percent queryCondition gate { succeededPercent soakSeconds approval onFailure } }`
const schedule = `mutation ($input: ScheduleFromTemplateInput!) {
  scheduleFromTemplate(input: $input) {
    ... on ScheduleJobPayload { job { jobId name queryCondition startTime ${wholeRollout} labels { value } } }
    ${errors}
  }
}`

/** The result of a mutation. */
async function change(mutation: string, input: Readonly<Record<string, unknown>>, authorization = 'owner') {
  const answer = await door.ask(mutation, { input }, { authorization })
  expect(answer.errors).toEqual([])
  return JSON.parse(JSON.stringify(Object.values(answer.data)[0]))
}

const rollout = { maxPerMinute: 60, abort: [{ on: ['FAILED'], percent: 3, afterDevices: 100, action: 'PAUSE' }] }
const reboot = {
  templateId: 'reboot',
  queryCondition: "tags.site = 'north'",
  cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 5 } },
  targets: 'AT_CREATION',
  onOverlap: 'QUEUE',
  rollout,
  name: 'Reboot',
  labels: [{ name: 'team', value: 'north' }],
}

test('a template is created, changed under its etag, listed and deleted', async () => {
  const { jobTemplate } = await change(create, reboot)
  expect(jobTemplate).toEqual({
    id: expect.any(String),
    templateId: 'reboot',
    type: 'SCHEDULE_DEVICE_METHOD',
    queryCondition: "tags.site = 'north'",
    maxExecutionTimeInSeconds: 3600,
    targets: 'AT_CREATION',
    onOverlap: 'QUEUE',
    // As a client gives it, so that it can be sent back.
    rollout: expect.objectContaining(rollout),
    name: 'Reboot',
    description: null,
    labels: [{ name: 'team', value: 'north' }],
    cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 5 }, connectTimeoutInSeconds: 0 },
    updateTwin: null,
    etag: expect.any(String),
    updatedBy: owner.name,
  })
  const { etag } = jobTemplate
  const changed = await change(update, {
    templateId: 'reboot',
    ifMatch: etag,
    updateTwin: { properties: { desired: { interval: 5 } } },
    name: null,
  })
  expect(changed.jobTemplate).toMatchObject({
    type: 'SCHEDULE_UPDATE_TWIN',
    updateTwin: { properties: { desired: { interval: 5 } } },
    cloudToDeviceMethod: null,
    name: null,
    labels: [{ name: 'team', value: 'north' }],
    targets: 'AT_CREATION',
    onOverlap: 'QUEUE',
    rollout,
  })
  expect(await change(update, { templateId: 'reboot', ifMatch: etag, name: 'x' })).toMatchObject({
    code: 'PRECONDITION_FAILED',
  })
  expect(await change(create, reboot)).toMatchObject({ code: 'ALREADY_EXISTS' })

  const { data } = await door.ask(
    `query ($id: ID!) {
      jobTemplates(first: 5) { nodes { templateId updateTwin } pageInfo { hasNextPage } }
      jobTemplate(templateId: "reboot") { type }
      node(id: $id) { ... on JobTemplate { templateId } }
    }`,
    { id: jobTemplate.id },
  )
  expect(data).toEqual({
    jobTemplates: {
      nodes: [{ templateId: 'reboot', updateTwin: { properties: { desired: { interval: 5 } } } }],
      pageInfo: { hasNextPage: false },
    },
    jobTemplate: { type: 'SCHEDULE_UPDATE_TWIN' },
    node: { templateId: 'reboot' },
  })
  expect(await change(remove, { templateId: 'reboot', ifMatch: etag })).toMatchObject({ code: 'PRECONDITION_FAILED' })
  expect(await change(remove, { templateId: 'reboot' })).toEqual({ id: jobTemplate.id, templateId: 'reboot' })
  expect(await change(remove, { templateId: 'reboot' })).toMatchObject({ code: 'NOT_FOUND' })
  expect(await change(update, { templateId: 'reboot', name: 'x' })).toMatchObject({ code: 'NOT_FOUND' })
})

test.each([
  ['both operations', { updateTwin: { tags: { a: 1 } } }, { code: 'INVALID_INPUT', path: [] }],
  ['a limit that twin updates do not have', { rollout: { maxConcurrent: 0 } }, { path: ['rollout', 'maxConcurrent'] }],
  ['a group that does not exist', { queryCondition: "group('gone')" }, { code: 'QUERY_CONDITION', column: 1 }],
  [
    'a group of a wave that does not exist',
    { rollout: { waves: [{ queryCondition: "group('gone')" }, {}] } },
    { code: 'INVALID_INPUT', path: ['rollout', 'waves', '0', 'queryCondition'] },
  ],
  ['an ID with a space', { templateId: 'a b' }, { path: ['templateId'] }],
])('%s: nothing is created', async (_what, input, error) => {
  expect(await change(create, { ...reboot, ...input })).toMatchObject(error)
  expect(await door.deps.db.prisma.jobTemplate.count()).toBe(0)
})

test('a change that is not valid changes nothing', async () => {
  const { jobTemplate } = await change(create, reboot)
  expect(await change(update, { templateId: 'reboot', name: 'x', queryCondition: "group('gone')" })).toMatchObject({
    code: 'QUERY_CONDITION',
    column: 1,
  })
  const { data } = await door.ask('{ jobTemplate(templateId: "reboot") { etag name } }')
  expect(data.jobTemplate).toEqual({ etag: jobTemplate.etag, name: 'Reboot' })
  await change(remove, { templateId: 'reboot' })
})

test('more templates than allowed are refused', async () => {
  for (const templateId of ['a', 'b', 'c']) await change(create, { ...reboot, templateId })
  expect(await change(create, { ...reboot, templateId: 'd' })).toMatchObject({ code: 'CONFLICT' })
  for (const templateId of ['a', 'b', 'c']) await change(remove, { templateId })
})

test('a job has a copy of its template, and other values where they are given', async () => {
  await change(create, reboot)
  const startTime = '2030-01-01T00:00:00.000Z'
  expect(await change(schedule, { templateId: 'reboot', startTime })).toMatchObject({ path: ['startTime'] })
  expect(await change(schedule, { templateId: 'reboot', jobId: 'of-template' })).toMatchObject({
    job: {
      jobId: 'of-template',
      name: 'Reboot',
      queryCondition: "tags.site = 'north'",
      rollout: { maxPerMinute: 60 },
      labels: [{ value: 'north' }],
    },
  })
  expect(await change(schedule, { templateId: 'reboot', jobId: 'of-template' })).toMatchObject({
    code: 'ALREADY_EXISTS',
  })
  const other = { templateId: 'reboot', jobId: 'other', queryCondition: '*', name: 'Once', expect: { maxDevices: 1 } }
  expect(await change(schedule, other)).toMatchObject({ code: 'EXPECTATION_FAILED' })
  expect(await change(schedule, { ...other, expect: { maxDevices: 2 } })).toMatchObject({
    job: { jobId: 'other', name: 'Once', queryCondition: '*' },
  })
  await change(remove, { templateId: 'reboot' })
  expect(await change(schedule, { templateId: 'reboot' })).toMatchObject({ code: 'NOT_FOUND' })
  const { data } = await door.ask('{ job(jobId: "of-template") { cloudToDeviceMethod { methodName payload } } }')
  expect(data.job).toEqual({ cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 5 } } })
})

test('a job has the limits, the budget, the abort rules, the waves and the approval of its template', async () => {
  const rule = { on: [], errorCode: null, responseStatus: null, percent: 2.5, afterDevices: 10, action: 'CANCEL' }
  const limits = {
    maxPerMinute: 60,
    maxConcurrent: 5,
    approval: true,
    budget: { groupBy: 'tags.site', maxConcurrent: 1 },
    abort: [
      { ...rule, on: ['FAILED', 'TIMED_OUT'] },
      { ...rule, on: null, errorCode: 'GatewayTimeout', action: 'PAUSE' },
      { ...rule, on: null, responseStatus: 503 },
    ],
  }
  const canary = { devices: 1, gate: { succeededPercent: 97.5, soakSeconds: 60, approval: true, onFailure: 'CANCEL' } }
  const waves = [canary, { percent: 10, gate: {} }, { queryCondition: "tags.site = 'south'" }, {}]
  await change(create, { ...reboot, rollout: { ...limits, waves } })
  // The rollout is read and stored again.
  await change(update, { templateId: 'reboot', description: 'All of it' })
  const size = { devices: null, percent: null, queryCondition: null, gate: null }
  expect(await change(schedule, { templateId: 'reboot' })).toMatchObject({
    job: {
      status: 'WAITING_FOR_APPROVAL',
      rollout: { ...limits, abort: limits.abort.map((one) => ({ ...one, on: one.on ?? [] })) },
      waves: [
        { ...size, ...canary },
        { ...size, percent: 10, gate: { succeededPercent: null, soakSeconds: 0, approval: false, onFailure: 'PAUSE' } },
        { ...size, queryCondition: "tags.site = 'south'" },
        size,
      ],
    },
  })
  await change(remove, { templateId: 'reboot' })
})

test('a template names groups, whose conditions are put in when a job is scheduled, and keeps them from being deleted', async () => {
  const by = owner
  await saveDeviceGroup(door.deps, by, { name: 'pumps', queryCondition: "deviceId = 'pump-1'" })
  await change(create, { ...reboot, queryCondition: "group('pumps')" })
  await saveDeviceGroup(door.deps, by, { name: 'pumps', queryCondition: "deviceId = 'pump-2'" })
  expect(await change(schedule, { templateId: 'reboot' })).toMatchObject({
    job: { queryCondition: "(deviceId = 'pump-2')" },
  })
  const waves = [{ queryCondition: "group('pumps')" }, {}]
  await change(update, { templateId: 'reboot', queryCondition: '*', rollout: { waves } })
  expect(await change(schedule, { templateId: 'reboot' })).toMatchObject({
    job: { queryCondition: '*', waves: [{ queryCondition: "(deviceId = 'pump-2')" }, { queryCondition: null }] },
  })
  await expect(deleteDeviceGroup(door.deps, 'pumps')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'Job templates name the device group "pumps": "reboot". Change or delete them first.',
  })
  await change(update, { templateId: 'reboot', rollout: null })
  await deleteDeviceGroup(door.deps, 'pumps')
  await change(remove, { templateId: 'reboot' })
})

test('a viewer with a scope uses templates for the devices in the scope, and cannot change them', async () => {
  await change(create, { ...reboot, queryCondition: '*' })
  await change(schedule, { templateId: 'reboot', jobId: 'scoped' }, 'scoped')
  await start(door.deps, 'scoped')
  const { data } = await door.ask('{ job(jobId: "scoped") { deviceJobs(first: 9) { nodes { deviceId } } } }')
  expect(data.job).toEqual({ deviceJobs: { nodes: [{ deviceId: 'pump-1' }] } })
  for (const [mutation, input] of [
    [create, { ...reboot, templateId: 'other' }],
    [update, { templateId: 'reboot', name: 'x' }],
    [remove, { templateId: 'reboot' }],
  ] as const) {
    const { errors: refused } = await door.ask(mutation, { input }, { authorization: 'scoped' })
    expect(refused).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  }
  await change(remove, { templateId: 'reboot' })
})
