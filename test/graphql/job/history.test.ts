import { afterAll, beforeAll, expect, test } from 'vitest'
import { pauseJob, resumeJob } from '../../../src/job/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, finish, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock(new Date('2026-01-01T00:00:00Z'))
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 2)
})
afterAll(() => door.close())

const historyOf = async (jobId: string) => {
  const { data, errors } = await door.ask(
    'query ($jobId: String!) { job(jobId: $jobId) { history { time type status cause actor reason version } } }',
    { jobId },
  )
  expect(errors).toEqual([])
  return Object(data.job).history
}

test('shows the events of a job, the oldest first: when, by what, by whom and why', async () => {
  const token = await door.token('service')
  const schedule = `mutation { scheduleDeviceMethod(input: {
    jobId: "long" queryCondition: "tags.fleet = 'pump'" cloudToDeviceMethod: { methodName: "reboot" }
  }) { __typename } }`
  expect((await door.ask(schedule, {}, { authorization: token })).errors).toEqual([])
  clock.advance(1000)
  await start(door.deps, 'long')
  const key = { jobId: 'long', deviceId: 'pump-0001' }
  await dispatch(door.deps, key)
  clock.advance(1000)
  await door.ask('mutation { cancelJob(input: { jobId: "long", reason: "wrong site" }) { __typename } }')
  await answer(door.deps, { ...key, response: { status: 200, payload: 'null' } })
  clock.advance(1000)
  await finish(door.deps)

  const byNobody = { actor: null, reason: null }
  expect(await historyOf('long')).toEqual([
    {
      time: '2026-01-01T00:00:00.000Z',
      type: 'SCHEDULED',
      status: 'QUEUED',
      cause: 'USER',
      actor: 'service',
      reason: null,
      version: 1,
    },
    {
      time: '2026-01-01T00:00:01.000Z',
      type: 'STARTED',
      status: 'RUNNING',
      cause: 'SCHEDULE',
      ...byNobody,
      version: 2,
    },
    {
      time: '2026-01-01T00:00:02.000Z',
      type: 'CANCELLED',
      status: 'CANCELLED',
      cause: 'USER',
      actor: 'iothubowner',
      reason: 'wrong site',
      version: 4,
    },
    { time: '2026-01-01T00:00:03.000Z', type: 'ENDED', status: 'CANCELLED', cause: 'DEVICES', ...byNobody, version: 6 },
  ])
})

test('is empty for a job that was made before there were histories', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  await door.deps.database.pool.query('delete from job_event where job_key = (select key from job where id = $1)', [
    jobId,
  ])
  expect(await historyOf(jobId)).toEqual([])
})

test('of many jobs takes as many statements as of few', async () => {
  clock.advance(1000)
  for (let count = 0; count < 8; count++) await givenMethodJob(door.deps, 'pump')
  const ask = (first: number) => async () => {
    const { data, errors } = await door.ask(`{ jobs(first: ${first}) { nodes { jobId history { type actor } } } }`)
    expect(errors).toEqual([])
    for (const { history } of Object(data.jobs).nodes) expect(history).toEqual([{ type: 'SCHEDULED', actor: 'tester' }])
  }
  expect(await countStatements(ask(8))).toBe(await countStatements(ask(2)))
})

test('of many events, the newest are returned unless the ones before them are asked for', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  const pauses = 15
  for (let count = 0; count < pauses; count++) {
    await pauseJob(door.deps, tester, jobId)
    await resumeJob(door.deps, tester, jobId)
  }
  const versionsOf = async (args: string): Promise<readonly number[]> => {
    const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { history${args} { version } } }`)
    expect(errors).toEqual([])
    return Object(data.job).history.map((event: { readonly version: number }) => event.version)
  }
  const all = await versionsOf('(last: 100)')
  expect(all).toHaveLength(1 + 2 * pauses)
  expect(all).toEqual(all.toSorted((a, b) => a - b))
  expect(await versionsOf('')).toEqual(all.slice(-20))
  expect(await versionsOf('(last: 3)')).toEqual(all.slice(-3))
  expect(await versionsOf(`(last: 2, before: ${all[5]})`)).toEqual(all.slice(3, 5))
  expect(await versionsOf(`(before: ${all[0]})`)).toEqual([])
  for (const last of [0, 101]) {
    const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { history(last: ${last}) { version } } }`)
    expect(data).toEqual({ job: { history: null } })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_PAGE_SIZE' } }])
  }
})

test('counts as many objects as it may return', async () => {
  const ask = (text: string) => door.ask(`{ jobs(first: 100) { nodes { ${text} } } }`)
  expect((await ask('history { abort { percent } }')).errors).toEqual([])
  expect((await ask('history(last: 100) { version }')).errors).toMatchObject([
    { extensions: { code: 'LIMIT_EXCEEDED' } },
  ])
})

const createdByOf = async (jobId: string) => {
  const { data, errors } = await door.ask('query ($jobId: String!) { job(jobId: $jobId) { createdBy } }', { jobId })
  expect(errors).toEqual([])
  return Object(data.job).createdBy
}

test('the name of who scheduled a job stays when others cancel it', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  await door.ask(`mutation { cancelJob(input: { jobId: "${jobId}" }) { __typename } }`)
  expect(await createdByOf(jobId)).toBe('tester')
})

test('a job from before the hub kept the name has that of its first event, if there is one', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  const { pool } = door.deps.database
  await pool.query('update job set created_by = null where id = $1', [jobId])
  expect(await createdByOf(jobId)).toBe('tester')
  await pool.query('delete from job_event where job_key = (select key from job where id = $1)', [jobId])
  expect(await createdByOf(jobId)).toBeNull()
})
