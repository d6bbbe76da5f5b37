import { afterAll, beforeAll, expect, test } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { saveDeviceGroup } from '../../../src/device-group/commands.ts'
import { createJobTemplate } from '../../../src/job-template/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { runSchedules } from '../../../src/scheduler/run-schedules.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'

let clock: TestClock
let door: TestDoor
const north = "tags.site = 'north'"
const scoped = personWith({ rights, scope: scopeOf([north]), roles: ['north'] })
const viewers: Readonly<Record<string, Viewer>> = { scoped }
beforeAll(async () => {
  clock = createTestClock(new Date('2026-03-28T12:00:00Z'))
  door = await openDoor({
    clock,
    limits: { jobSchedules: 2 },
    authenticate: async (name = 'owner') => viewers[name] ?? owner,
  })
  await createJobTemplate(door.deps, owner, {
    templateId: 'reboot',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
  })
})
afterAll(() => door.close())

const members = `scheduleId templateId cron timeZone endTime onMissed onOverlap status statusReason author scope description
  nextTimes(first: 3) runs(first: 2) { time outcome jobId reason job { status } }`
const mutationOf = (name: string, payload = `jobSchedule { id ${members} }`, errors = ''): string => {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  return `mutation ($input: ${type}Input!) { ${name}(input: $input) { ... on ${type}Payload { ${payload} } ... on Error { code message } ... on NotFoundError { kind } ${errors} } }`
}
const create = mutationOf('createJobSchedule', undefined, '... on InvalidInputError { path }')
const update = mutationOf('updateJobSchedule', `jobSchedule { etag ${members} }`, '... on InvalidInputError { path }')
const pause = mutationOf('pauseJobSchedule')
const resume = mutationOf('resumeJobSchedule')
const remove = mutationOf('deleteJobSchedule', 'id scheduleId')

/** The result of a mutation. */
async function change(mutation: string, input: Readonly<Record<string, unknown>>, authorization = 'owner') {
  const answer = await door.ask(mutation, { input }, { authorization })
  expect(answer.errors).toEqual([])
  return JSON.parse(JSON.stringify(Object.values(answer.data)[0]))
}

const nightly = { scheduleId: 'nightly', templateId: 'reboot', cron: '30 2 * * *', timeZone: 'Europe/Berlin' }

async function run(): Promise<void> {
  const step = runSchedules(door.deps, async () => ({ mayWriteJobs: true, scope: everything }))
  while ((await step.run(clock.now())).full);
}

test('a schedule shows its next times and its last jobs, is paused, resumed and deleted', async () => {
  const { jobSchedule } = await change(create, { ...nightly, onMissed: 'RUN_ONCE', description: 'Each night' })
  expect(jobSchedule).toEqual({
    id: expect.any(String),
    ...nightly,
    endTime: null,
    onMissed: 'RUN_ONCE',
    onOverlap: 'SKIP',
    status: 'ACTIVE',
    statusReason: null,
    author: owner.name,
    scope: null,
    description: 'Each night',
    nextTimes: ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z', '2026-03-31T00:30:00.000Z'],
    runs: [],
  })
  clock.advance(13 * 3_600_000)
  await run()
  const query = `query ($id: ID!) {
    jobSchedules(first: 5) { nodes { scheduleId template { templateId } } }
    jobSchedule(scheduleId: "nightly") { nextTimes(first: 1) runs { outcome jobId reason job { jobId createdBy jobSchedule { scheduleId } history { cause actor reason } } } }
    node(id: $id) { ... on JobSchedule { scheduleId } }
  }`
  const { data } = await door.ask(query, { id: jobSchedule.id })
  const jobId = 'nightly-20260329T0100Z'
  const reason = 'Job schedule "nightly", planned for 2026-03-29T01:00:00.000Z.'
  expect(data).toEqual({
    jobSchedules: { nodes: [{ scheduleId: 'nightly', template: { templateId: 'reboot' } }] },
    jobSchedule: {
      nextTimes: ['2026-03-30T00:30:00.000Z'],
      runs: [
        {
          outcome: 'SCHEDULED',
          jobId,
          reason: null,
          job: {
            jobId,
            createdBy: owner.name,
            jobSchedule: { scheduleId: 'nightly' },
            history: [{ cause: 'SCHEDULE', actor: owner.name, reason }],
          },
        },
      ],
    },
    node: { scheduleId: 'nightly' },
  })

  const target = { scheduleId: 'nightly' }
  expect(await change(resume, target)).toMatchObject({ code: 'CONFLICT' })
  expect(await change(pause, target)).toMatchObject({ jobSchedule: { status: 'PAUSED', nextTimes: [] } })
  expect(await change(pause, target)).toMatchObject({ code: 'CONFLICT' })
  expect(await change(resume, target)).toMatchObject({ jobSchedule: { status: 'ACTIVE' } })
  const template = mutationOf('deleteJobTemplate', 'templateId')
  expect(await change(template, { templateId: 'reboot' })).toEqual({
    code: 'CONFLICT',
    message: 'Job schedules use the template "reboot": "nightly". Delete them first.',
  })
  expect(await change(remove, target)).toEqual({ id: jobSchedule.id, scheduleId: 'nightly' })
  for (const mutation of [pause, resume, remove]) {
    expect(await change(mutation, target)).toMatchObject({ code: 'NOT_FOUND', kind: 'JOB_SCHEDULE' })
  }
  const { data: left } = await door.ask(
    `{ job(jobId: "${jobId}") { jobId jobSchedule { cron } } jobSchedule(scheduleId: "nightly") { cron } }`,
  )
  expect(left).toEqual({ job: { jobId, jobSchedule: null }, jobSchedule: null })
})

test.each([
  ['a template that does not exist', { templateId: 'nothing' }, { code: 'NOT_FOUND', kind: 'JOB_TEMPLATE' }],
  ['an ID with a space', { scheduleId: 'a b' }, { path: ['scheduleId'] }],
  ['an ID that leaves no room for the time', { scheduleId: 'a'.repeat(49) }, { path: ['scheduleId'] }],
  ['cron that never has a time', { cron: '0 0 31 4 *' }, { code: 'INVALID_INPUT', path: ['cron'] }],
  ['a zone that does not exist', { timeZone: 'Mars/Base' }, { code: 'INVALID_INPUT', path: ['timeZone'] }],
  ['an end in the past', { endTime: '2026-01-01T00:00:00Z' }, { code: 'INVALID_INPUT', path: ['endTime'] }],
])('%s is refused, and nothing is created', async (_what, changes, error) => {
  expect(await change(create, { ...nightly, ...changes })).toMatchObject(error)
  expect(await door.deps.db.prisma.jobSchedule.count()).toBe(0)
})

test('a change keeps what is omitted, and null removes the end and the description', async () => {
  const { jobSchedule: created } = await change(create, {
    ...nightly,
    onMissed: 'RUN_ONCE',
    endTime: '2027-01-01T00:00:00.000Z',
    description: 'Each night',
  })
  const { scheduleId } = nightly
  const { jobSchedule: early } = await change(update, { scheduleId, cron: '0 4 * * *' })
  const { id: _id, ...before } = created
  const nextTimes = ['2026-03-29T02:00:00.000Z', '2026-03-30T02:00:00.000Z', '2026-03-31T02:00:00.000Z']
  expect(early).toEqual({ ...before, etag: expect.any(String), cron: '0 4 * * *', nextTimes })
  const others = { timeZone: 'UTC', onMissed: 'SKIP', onOverlap: 'PARALLEL', endTime: null, description: null }
  const stale = { scheduleId, ifMatch: 'AAAAAAAAAAA=', ...others }
  expect(await change(update, stale)).toMatchObject({ code: 'PRECONDITION_FAILED' })
  const { jobSchedule: changed } = await change(update, { ...stale, ifMatch: early.etag })
  expect(changed).toEqual({
    ...early,
    ...others,
    etag: expect.any(String),
    nextTimes: nextTimes.map((time) => time.replace('02:00', '04:00')),
  })
  expect(changed.etag).not.toBe(early.etag)
  const nulls = { cron: null, timeZone: null, templateId: null, onMissed: null, onOverlap: null }
  expect((await change(update, { scheduleId, ...nulls })).jobSchedule).toEqual({ ...changed, etag: expect.any(String) })
  await change(remove, { scheduleId })
  expect(await change(update, { scheduleId })).toMatchObject({ code: 'NOT_FOUND', kind: 'JOB_SCHEDULE' })
})

test.each([
  ['a template that does not exist', { templateId: 'nothing' }, { code: 'NOT_FOUND', kind: 'JOB_TEMPLATE' }],
  ['cron that never has a time', { cron: '0 0 31 4 *' }, { path: ['cron'] }],
  ['a zone that does not exist', { timeZone: 'Mars/Base' }, { path: ['timeZone'] }],
  ['an end in the past', { endTime: '2026-01-01T00:00:00Z' }, { path: ['endTime'] }],
  ['an end before the first time', { endTime: '2026-03-29T01:30:00Z', cron: '0 0 1 1 *' }, { path: ['endTime'] }],
  ['a description that is too long', { description: 'a'.repeat(2001) }, { path: ['description'] }],
])('a change to %s is refused, and nothing is changed', async (_what, changes, error) => {
  await change(create, nightly)
  const row = () => door.deps.db.prisma.jobSchedule.findUnique({ where: { id: 'nightly' } })
  const before = await row()
  expect(await change(update, { scheduleId: 'nightly', onOverlap: 'PARALLEL', ...changes })).toMatchObject(error)
  expect(await row()).toEqual(before)
  await change(remove, { scheduleId: 'nightly' })
})

test('a paused schedule stays paused when it is changed', async () => {
  const target = { scheduleId: 'nightly' }
  await change(create, nightly)
  await change(pause, target)
  expect(await change(update, { ...target, cron: '0 4 * * *' })).toMatchObject({
    jobSchedule: { status: 'PAUSED', nextTimes: [] },
  })
  expect((await change(resume, target)).jobSchedule.nextTimes[0]).toMatch('T02:00')
  await change(remove, target)
})

test('an ID that is taken, and more schedules than allowed, are refused', async () => {
  await change(create, nightly)
  expect(await change(create, nightly)).toMatchObject({ code: 'ALREADY_EXISTS' })
  await change(create, { ...nightly, scheduleId: 'second' })
  expect(await change(create, { ...nightly, scheduleId: 'third' })).toMatchObject({ code: 'CONFLICT' })
  for (const scheduleId of ['nightly', 'second']) await change(remove, { scheduleId })
})

test('a viewer with a scope sees all schedules and changes those of the scope', async () => {
  await change(create, nightly)
  const own = await change(create, { ...nightly, scheduleId: 'own' }, 'scoped')
  expect(own.jobSchedule).toMatchObject({ author: 'anna', scope: north })
  const { data } = await door.ask(
    '{ jobSchedules(first: 9) { nodes { scheduleId } } }',
    {},
    { authorization: 'scoped' },
  )
  expect(data.jobSchedules).toEqual({ nodes: [{ scheduleId: 'nightly' }, { scheduleId: 'own' }] })
  for (const mutation of [update, pause, remove]) {
    const input = { scheduleId: 'nightly' }
    const { errors: refused } = await door.ask(mutation, { input }, { authorization: 'scoped' })
    expect(refused).toMatchObject([{ extensions: { code: 'FORBIDDEN', missing: { scope: north } } }])
  }
  await change(pause, { scheduleId: 'own' }, 'scoped')
  // Resumed or changed by the owner, its jobs still have the scope.
  expect(await change(resume, { scheduleId: 'own' })).toMatchObject({
    jobSchedule: { author: owner.name, scope: north },
  })
  await change(update, { scheduleId: 'own', description: 'Own' }, 'scoped')
  expect(await change(update, { scheduleId: 'own', cron: '0 4 * * *' })).toMatchObject({
    jobSchedule: { author: owner.name, scope: north },
  })
  for (const scheduleId of ['nightly', 'own']) await change(remove, { scheduleId })
})

test('a number of times or runs outside of the bounds is an error', async () => {
  await change(create, nightly)
  for (const [runs, times] of [
    [101, 11],
    [0, 0],
    [-1, -1],
  ]) {
    const { errors: refused } = await door.ask(
      `{ jobSchedule(scheduleId: "nightly") { runs(first: ${runs}) { time } nextTimes(first: ${times}) } }`,
    )
    expect(refused.map(({ extensions }) => extensions.code)).toEqual(['INVALID_PAGE_SIZE', 'INVALID_PAGE_SIZE'])
  }
  await change(remove, { scheduleId: 'nightly' })
})

test('a job has the rollout of its template, and the conditions that the groups of its waves have then', async () => {
  const by = owner
  await saveDeviceGroup(door.deps, by, { name: 'early', queryCondition: "tags.ring = 'early'" })
  await createJobTemplate(door.deps, by, {
    templateId: 'in-waves',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
    rollout: {
      budget: { groupBy: 'tags.site', maxConcurrent: 1 },
      abort: [{ responseStatus: 503, percent: 5, action: 'pause' }],
      waves: [{ queryCondition: "group('early')", gate: { succeededPercent: 100 } }, {}],
    },
  })
  await change(create, { ...nightly, scheduleId: 'waves', templateId: 'in-waves', onMissed: 'RUN_ONCE' })
  await saveDeviceGroup(door.deps, by, { name: 'early', queryCondition: "tags.ring = 'first'" })
  clock.advance(24 * 3_600_000)
  await run()
  const { data } = await door.ask(`{ jobSchedule(scheduleId: "waves") { runs(first: 1) { outcome job {
    rollout { budget { groupBy maxConcurrent } abort { responseStatus percent action } }
    waves { queryCondition gate { succeededPercent } }
  } } } }`)
  expect(data.jobSchedule).toEqual({
    runs: [
      {
        outcome: 'SCHEDULED',
        job: {
          rollout: {
            budget: { groupBy: 'tags.site', maxConcurrent: 1 },
            abort: [{ responseStatus: 503, percent: 5, action: 'PAUSE' }],
          },
          waves: [
            { queryCondition: "(tags.ring = 'first')", gate: { succeededPercent: 100 } },
            { queryCondition: null, gate: null },
          ],
        },
      },
    ],
  })
  await change(remove, { scheduleId: 'waves' })
})
