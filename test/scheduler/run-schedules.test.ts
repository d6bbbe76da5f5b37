import { afterEach, beforeEach, expect, test } from 'vitest'
import { policyViewer } from '../../src/access/viewer.ts'
import { deleteDeviceGroup, saveDeviceGroup } from '../../src/device-group/commands.ts'
import { approveJob } from '../../src/job/approval-commands.ts'
import { cancelJob } from '../../src/job/commands.ts'
import {
  createJobSchedule,
  pauseJobSchedule,
  resumeJobSchedule,
  updateJobSchedule,
} from '../../src/job-schedule/commands.ts'
import type { Authority, ScheduleInput } from '../../src/job-schedule/schedule.ts'
import { createJobTemplate, updateJobTemplate } from '../../src/job-template/commands.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { runSchedules } from '../../src/scheduler/run-schedules.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { byPolicy } from '../support/rows.ts'

const hour = 3_600_000
const author = { ...policyViewer({ name: 'night', rights: new Set(['serviceConnect'] as const) }), roles: [] }
let clock: TestClock
let deps: TestDeps
let authority: Authority | undefined
beforeEach(async () => {
  clock = createTestClock(new Date('2026-03-28T12:00:00Z'))
  deps = await createTestDeps(clock)
  authority = { mayWriteJobs: true, scope: everything }
  await createJobTemplate(deps, author, {
    templateId: 'reboot',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
  })
})
afterEach(() => deps.close())

const create = (changes: Partial<ScheduleInput> = {}) =>
  createJobSchedule(deps, author, {
    scheduleId: 'nightly',
    templateId: 'reboot',
    cron: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    onMissed: 'skip',
    onOverlap: 'parallel',
    ...changes,
  })

/** Runs the step until it has nothing to do, and answers when it wants to run next. */
async function run(): Promise<string | undefined> {
  const step = runSchedules(deps, async () => authority)
  for (;;) {
    const { full, next } = await step.run(clock.now())
    if (!full) return next?.toISOString()
  }
}

const moveTo = (text: string) => clock.advance(new Date(text).getTime() - clock.now().getTime())

const runs = async () => {
  const rows = await deps.db.prisma.jobScheduleRun.findMany({ orderBy: { time: 'asc' } })
  return rows.map(({ time, outcome, jobId }) => `${time.toISOString().slice(0, 16)} ${outcome} ${jobId ?? ''}`.trim())
}
const jobs = () => deps.db.prisma.job.findMany({ orderBy: { createdTime: 'asc' } })
const schedule = () => deps.db.prisma.jobSchedule.findUniqueOrThrow({ where: { id: 'nightly' } })

test('a job is scheduled at each planned time, with a derived ID, over the change of clocks', async () => {
  await create()
  expect(await run()).toBe('2026-03-29T01:00:00.000Z')
  expect(await jobs()).toEqual([])
  moveTo('2026-03-29T01:00:00Z')
  expect(await run()).toBe('2026-03-30T00:30:00.000Z')
  moveTo('2026-03-30T00:30:00.400Z')
  expect(await run()).toBe('2026-03-31T00:30:00.000Z')
  expect(await jobs()).toMatchObject([
    { id: 'nightly-20260329T0100Z', createdBy: 'night', status: 'queued', queryCondition: '*' },
    { id: 'nightly-20260330T0030Z', startTime: new Date('2026-03-30T00:30:00.400Z') },
  ])
  expect(await runs()).toEqual([
    '2026-03-29T01:00 scheduled nightly-20260329T0100Z',
    '2026-03-30T00:30 scheduled nightly-20260330T0030Z',
  ])
  const [event] = await deps.db.prisma.jobEvent.findMany()
  expect(event).toMatchObject({
    type: 'scheduled',
    cause: 'schedule',
    actor: 'night',
    reason: 'Job schedule "nightly", planned for 2026-03-29T01:00:00.000Z.',
  })
})

test('several instances at the same time make one job', async () => {
  await create()
  moveTo('2026-03-29T01:00:00Z')
  await Promise.all(Array.from({ length: 6 }, run))
  expect(await runs()).toEqual(['2026-03-29T01:00 scheduled nightly-20260329T0100Z'])
  expect(await jobs()).toHaveLength(1)
})

test('a hub that fails after the job was inserted has inserted nothing, and the next run makes the job', async () => {
  await create()
  moveTo('2026-03-29T01:00:00Z')
  const { pool } = deps.database
  await pool.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
    create trigger refuse before update on job_schedule for each row execute function refuse()`)
  await expect(run()).rejects.toThrow('no')
  expect([await jobs(), await runs()]).toEqual([[], []])
  await pool.query('drop function refuse cascade')
  await run()
  expect(await runs()).toEqual(['2026-03-29T01:00 scheduled nightly-20260329T0100Z'])
})

test.each([
  ['skip', ['2026-03-31T00:30 missed'], []],
  ['runOnce', ['2026-03-31T00:30 scheduled nightly-20260331T0030Z'], ['nightly-20260331T0030Z']],
] as const)('times at which no hub ran, with %s', async (onMissed, expected, ids) => {
  await create({ onMissed })
  moveTo('2026-03-31T12:00:00Z')
  expect(await run()).toBe('2026-04-01T00:30:00.000Z')
  expect(await runs()).toEqual(expected)
  expect((await jobs()).map(({ id }) => id)).toEqual(ids)
})

test('a job that is late by less than a minute was not missed', async () => {
  await create({ cron: '* * * * *' })
  clock.advance(5 * 60_000 + 59_000)
  await run()
  expect(await runs()).toEqual(['2026-03-28T12:05 scheduled nightly-20260328T1205Z'])
})

test('with the policy to skip, no job is scheduled while one of the schedule has not ended', async () => {
  await create({ cron: '0 * * * *', onOverlap: 'skip' })
  clock.advance(hour)
  await run()
  clock.advance(hour)
  await run()
  await cancelJob(deps, author, 'nightly-20260328T1300Z')
  clock.advance(hour)
  await run()
  expect(await runs()).toEqual([
    '2026-03-28T13:00 scheduled nightly-20260328T1300Z',
    '2026-03-28T14:00 overlapped',
    '2026-03-28T15:00 scheduled nightly-20260328T1500Z',
  ])
})

test.each(['queue', 'refuse'] as const)(
  'with the policy to %s, its jobs have it, whatever their template says',
  async (onOverlap) => {
    await create({ cron: '0 * * * *', onOverlap })
    clock.advance(hour)
    await run()
    await updateJobSchedule(deps, author, 'nightly', { onOverlap: 'parallel' })
    clock.advance(hour)
    await run()
    expect((await jobs()).map((job) => job.onOverlap)).toEqual([onOverlap, null])
  },
)

test('a schedule of continuous jobs cannot let them give way', async () => {
  await updateJobTemplate(deps, author, 'reboot', { targets: 'continuous' })
  const refusal = expect.objectContaining({ path: ['onOverlap'] })
  await expect(create({ onOverlap: 'queue' })).rejects.toEqual(refusal)
  await create()
  await expect(updateJobSchedule(deps, author, 'nightly', { onOverlap: 'refuse' })).rejects.toEqual(refusal)
  expect(await schedule()).toMatchObject({ onOverlap: 'parallel' })
})

test('a job that is open for more times than runs are kept is the only one, and its run goes when it has ended', async () => {
  await create({ cron: '* * * * *', onOverlap: 'skip' })
  for (let minute = 0; minute <= 101; minute++) {
    clock.advance(60_000)
    await run()
  }
  expect(await jobs()).toHaveLength(1)
  expect(await runs()).toHaveLength(101)
  expect((await runs())[0]).toBe('2026-03-28T12:01 scheduled nightly-20260328T1201Z')
  await cancelJob(deps, author, 'nightly-20260328T1201Z')
  clock.advance(60_000)
  await run()
  expect(await runs()).toHaveLength(100)
  expect((await runs()).at(-1)).toBe('2026-03-28T13:43 scheduled nightly-20260328T1343Z')
})

test('a schedule ends with its last time', async () => {
  await create({ endTime: new Date('2026-03-30T00:30:00Z') })
  moveTo('2026-03-29T01:00:00Z')
  await run()
  moveTo('2026-03-30T00:30:00Z')
  expect(await run()).toBeUndefined()
  expect(await runs()).toHaveLength(2)
  expect(await schedule()).toMatchObject({ status: 'ended', nextTime: null })
})

test('a paused schedule does nothing, and makes up for nothing when it is resumed', async () => {
  await create({ onMissed: 'runOnce' })
  await pauseJobSchedule(deps, author, 'nightly')
  moveTo('2026-03-29T12:00:00Z')
  expect(await run()).toBeUndefined()
  await resumeJobSchedule(deps, author, 'nightly')
  expect(await run()).toBe('2026-03-30T00:30:00.000Z')
  expect(await runs()).toEqual([])
})

test.each([
  ['may no longer schedule jobs', { mayWriteJobs: false, scope: everything }, 'may no longer schedule jobs'],
  ['is no longer known', undefined, 'may no longer schedule jobs'],
  [
    'sees fewer devices',
    { mayWriteJobs: true, scope: scopeOf(["tags.site = 'north'"]) },
    'no longer sees all the devices of the schedule',
  ],
])('a schedule whose author %s is paused, and schedules nothing', async (_what, now, reason) => {
  await create()
  authority = now
  moveTo('2026-03-29T01:00:00Z')
  expect(await run()).toBeUndefined()
  expect(await jobs()).toEqual([])
  const statusReason = `The policy "night" ${reason}.`
  expect(await schedule()).toMatchObject({ status: 'paused', statusReason, nextTime: null })
  expect(await deps.db.prisma.jobScheduleRun.findMany()).toMatchObject([{ outcome: 'refused', reason: statusReason }])
  authority = { mayWriteJobs: true, scope: everything }
  const other = { ...policyViewer({ name: 'day', rights: new Set(['serviceConnect'] as const) }), roles: [] }
  await resumeJobSchedule(deps, other, 'nightly')
  moveTo('2026-03-30T00:30:00Z')
  await run()
  expect(await jobs()).toMatchObject([{ id: 'nightly-20260330T0030Z', createdBy: 'day' }])
})

test.each([
  [
    'whose time zone the hub does not know',
    "time_zone = 'Mars/Olympus'",
    'The hub does not know the time zone "Mars/Olympus".',
  ],
  ['whose cron is not valid', "cron = 'never 2 * * *'", expect.stringMatching(/^cron is not valid: /)],
  [
    'whose scope does not parse',
    "scope = '{tags.}'",
    expect.stringMatching(/^The scope of the schedule no longer parses: /),
  ],
])('a schedule %s is paused, and the others go on', async (_what, change, statusReason) => {
  await create()
  await create({ scheduleId: 'other' })
  await deps.database.pool.query(`update job_schedule set ${change} where id = 'nightly'`)
  moveTo('2026-03-29T01:00:00Z')
  expect(await run()).toBe('2026-03-30T00:30:00.000Z')
  expect(await schedule()).toMatchObject({ status: 'paused', statusReason, nextTime: null })
  expect((await jobs()).map(({ id }) => id)).toEqual(['other-20260329T0100Z'])
})

test('a schedule whose times the hub cannot compute is not resumed', async () => {
  await create()
  await pauseJobSchedule(deps, author, 'nightly')
  await deps.database.pool.query("update job_schedule set time_zone = 'Mars/Olympus'")
  await expect(resumeJobSchedule(deps, author, 'nightly')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'The job schedule "nightly" cannot be resumed. The hub does not know the time zone "Mars/Olympus".',
  })
})

test('a schedule that fails does not hold up those behind it', async () => {
  await create({ scheduleId: 'broken' })
  await create()
  const { pool } = deps.database
  await pool.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
    create trigger refuse before insert on job_schedule_run for each row when (new.schedule_id = 'broken')
    execute function refuse()`)
  moveTo('2026-03-29T01:00:00Z')
  await expect(run()).rejects.toThrow('no')
  expect(await runs()).toEqual(['2026-03-29T01:00 scheduled nightly-20260329T0100Z'])
  await pool.query('drop function refuse cascade')
  await run()
  expect((await jobs()).map(({ id }) => id).sort()).toEqual(['broken-20260329T0100Z', 'nightly-20260329T0100Z'])
})

test('a schedule that is resumed after the clock was set back begins after its newest run', async () => {
  await create()
  moveTo('2026-03-30T12:00:00Z')
  await run()
  moveTo('2026-03-28T12:00:00Z')
  await pauseJobSchedule(deps, author, 'nightly')
  await resumeJobSchedule(deps, author, 'nightly')
  expect(await run()).toBe('2026-03-31T00:30:00.000Z')
})

test('a schedule at a time of which it has a run already goes on with the next time', async () => {
  await create()
  await deps.database.pool.query(
    "insert into job_schedule_run (schedule_id, time, outcome) values ('nightly', '2026-03-29T01:00:00Z', 'missed')",
  )
  moveTo('2026-03-29T01:00:00Z')
  expect(await run()).toBe('2026-03-30T00:30:00.000Z')
})

test('a job that cannot be scheduled is a refused run, and the schedule goes on', async () => {
  await saveDeviceGroup(deps, author, { name: 'pumps', queryCondition: "tags.kind = 'pump'" })
  await updateJobTemplate(deps, author, 'reboot', { queryCondition: "group('pumps') OR group('pumps')" })
  await create()
  await saveDeviceGroup(deps, author, { name: 'pumps', queryCondition: `tags.kind = '${'p'.repeat(8_000)}'` })
  moveTo('2026-03-29T01:00:00Z')
  await run()
  await saveDeviceGroup(deps, author, { name: 'pumps', queryCondition: "tags.kind = 'pump'" })
  moveTo('2026-03-30T00:30:00Z')
  await run()
  expect(await runs()).toEqual(['2026-03-29T01:00 refused', '2026-03-30T00:30 scheduled nightly-20260330T0030Z'])
  expect((await jobs())[0]?.queryCondition).toBe("(tags.kind = 'pump') OR (tags.kind = 'pump')")
  await expect(deleteDeviceGroup(deps, 'pumps')).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('whoever changed the template last cannot approve a job of the schedule, but somebody else can', async () => {
  await create()
  const writer = byPolicy('writer')
  await updateJobTemplate(deps, writer, 'reboot', { rollout: { approval: true } })
  moveTo('2026-03-29T01:00:00Z')
  await run()
  const jobId = 'nightly-20260329T0100Z'
  await expect(approveJob(deps, writer, { jobId })).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['jobId'] })
  await approveJob(deps, byPolicy('approver'), { jobId })
  expect(await jobs()).toMatchObject([{ id: jobId, status: 'scheduled' }])
})

test.each([
  ['condition', "query_condition = 'tags.'", { code: 'QUERY_CONDITION' }],
  ['rollout', `rollout = '{"maxConcurrent": 0}'`, { code: 'INVALID_INPUT', path: ['rollout', 'maxConcurrent'] }],
])('a template whose %s is no longer valid gets no schedule', async (_what, change, error) => {
  await deps.database.pool.query(`update job_template set ${change}`)
  await expect(create()).rejects.toMatchObject(error)
  expect(await deps.db.prisma.jobSchedule.count()).toBe(0)
})

test('a schedule that was changed schedules jobs on behalf of whoever changed it, who cannot approve them', async () => {
  await createJobTemplate(deps, author, {
    templateId: 'checked',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'update' },
    rollout: { approval: true },
  })
  await create()
  const editor = { ...policyViewer({ name: 'editor', rights: new Set(['serviceConnect'] as const) }), roles: [] }
  await updateJobSchedule(deps, editor, 'nightly', { templateId: 'checked' })
  const changed = await schedule()
  await updateJobSchedule(deps, author, 'nightly', { templateId: 'checked', cron: '30 2 * * *', description: null })
  await expect(updateJobSchedule(deps, author, 'nightly', {})).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    path: [],
  })
  expect(await schedule()).toEqual(changed)
  moveTo('2026-03-29T01:00:00Z')
  await run()
  const jobId = 'nightly-20260329T0100Z'
  expect(await jobs()).toMatchObject([{ id: jobId, createdBy: 'editor', status: 'waitingForApproval' }])
  await expect(approveJob(deps, editor, { jobId })).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['jobId'] })
  await approveJob(deps, byPolicy('approver'), { jobId })
})

test('a time that has come is not lost by a change of other members', async () => {
  await create({ onMissed: 'runOnce' })
  moveTo('2026-03-29T05:00:00Z')
  await updateJobSchedule(deps, author, 'nightly', { description: 'Each night', cron: '30 2 * * *' })
  await run()
  expect(await runs()).toEqual(['2026-03-29T01:00 scheduled nightly-20260329T0100Z'])
})

test('a schedule that has ended can be changed, and goes on when it has a time again', async () => {
  await create({ endTime: new Date('2026-03-29T12:00:00Z') })
  moveTo('2026-03-29T01:00:00Z')
  await run()
  expect(await schedule()).toMatchObject({ status: 'ended' })
  moveTo('2026-03-30T12:00:00Z')
  await updateJobSchedule(deps, author, 'nightly', { description: 'Until Sunday' })
  expect(await schedule()).toMatchObject({ status: 'ended', description: 'Until Sunday' })
  await updateJobSchedule(deps, author, 'nightly', { endTime: null })
  expect(await schedule()).toMatchObject({ status: 'active', nextTime: new Date('2026-03-31T00:30:00Z') })
})

test('a job keeps the scope of the author', async () => {
  const north = { ...author, scope: scopeOf(["tags.site = 'north'"]) }
  await createJobSchedule(deps, north, {
    scheduleId: 'nightly',
    templateId: 'reboot',
    cron: '0 * * * *',
    timeZone: 'UTC',
    onMissed: 'skip',
    onOverlap: 'skip',
  })
  clock.advance(hour)
  await run()
  expect(await jobs()).toMatchObject([{ scope: ["tags.site = 'north'"] }])
})

test('the newest hundred runs are kept', async () => {
  await create({ cron: '* * * * *' })
  await deps.database.pool.query(
    `insert into job_schedule_run (schedule_id, time, outcome)
     select 'nightly', '2026-01-01'::timestamptz + number * interval '1 minute', 'missed' from generate_series(1, 100) number`,
  )
  clock.advance(60_000)
  await run()
  const kept = await runs()
  expect(kept).toHaveLength(100)
  expect(kept.at(-1)).toContain('2026-03-28T12:01 scheduled')
  expect(kept[0]).toBe('2026-01-01T00:02 missed')
})
