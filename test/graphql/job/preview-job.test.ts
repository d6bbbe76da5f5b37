import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDevices, deleteDevice } from '../../../src/device/commands.ts'
import { cancelJob, previewJob, retryJob, scheduleJob } from '../../../src/job/commands.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwin, reportProperties } from '../../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, givenTwinJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, finish, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 25)
  await givenDevices(door.deps, 'valve', 3)
})
afterAll(() => door.close())
beforeEach(async () => {
  await door.deps.database.pool.query('delete from device_job_outcome')
  await door.deps.database.pool.query('delete from device_job_dispatch')
  await door.deps.database.pool.query('delete from device_job')
  await door.deps.database.pool.query('delete from job')
})

const document = `query ($input: PreviewJobInput!) {
  previewJob(input: $input) {
    __typename
    ... on JobPreview {
      deviceCount { value precision }
      connectedCount { value precision }
      compliantCount { value precision }
      devices { deviceId connectionState twin { tags } }
      overlaps { job { jobId status } deviceCount { value precision } propertyPaths }
      expectedDurationInSeconds
      shortestDurationInSeconds
      maxOfflineWaitInSeconds
      fingerprint
    }
    ... on Error { code message }
    ... on InvalidInputError { path }
    ... on QueryConditionError { line column }
    ... on LimitExceededError { retryAfterSeconds }
  }
}`

type Shown = {
  readonly __typename: string
  readonly deviceCount: { readonly value: number; readonly precision: string }
  readonly devices: readonly { readonly deviceId: string }[]
  readonly overlaps: readonly { readonly job: { readonly jobId: string } }[]
  readonly fingerprint: string | null
}

async function preview(input: Readonly<Record<string, unknown>>): Promise<Shown> {
  const { data, errors } = await door.ask(document, { input })
  expect(errors).toEqual([])
  return Object(data.previewJob)
}

const exactly = (value: number) => ({ value, precision: 'EXACT' })
const fleet = (name: string) => `tags.fleet = '${name}'`
const reboot = { methodName: 'reboot' }
const patch = { properties: { desired: { interval: 60 } } }

/** Marks the devices with IDs like this as connected. */
const connect = (ids: string) =>
  door.deps.database.pool.query(
    `update device set connection_state = 'connected', connection_id = id, instance_id = 'i' where id like $1`,
    [ids],
  )

describe('a preview', () => {
  test('counts the devices, says who is connected, and shows the first twenty with their twins', async () => {
    await connect('pump-0002')
    const shown = await preview({ queryCondition: fleet('pump'), cloudToDeviceMethod: reboot })
    expect(shown).toMatchObject({
      __typename: 'JobPreview',
      deviceCount: exactly(25),
      connectedCount: exactly(1),
      compliantCount: null,
      overlaps: [],
      expectedDurationInSeconds: null,
      shortestDurationInSeconds: null,
      maxOfflineWaitInSeconds: 3600,
      fingerprint: expect.stringMatching(/^[0-9a-f]{24}$/),
    })
    expect(shown.devices).toHaveLength(20)
    expect(shown.devices.slice(0, 2)).toEqual([
      { deviceId: 'pump-0001', connectionState: 'DISCONNECTED', twin: { tags: { fleet: 'pump' } } },
      { deviceId: 'pump-0002', connectionState: 'CONNECTED', twin: { tags: { fleet: 'pump' } } },
    ])
  })

  test('needs no operation', async () => {
    expect(await preview({ queryCondition: fleet('valve') })).toMatchObject({ deviceCount: exactly(3) })
  })

  test('of a patch counts the twins that hold it already', async () => {
    for (const deviceId of ['valve-0001', 'valve-0002']) {
      const desired = { interval: 60, mode: { a: deviceId } }
      await patchTwin(door.deps, everything, { deviceId, patch: { desired }, ifMatch: '*' })
    }
    const compliantCount = async (updateTwin: unknown) =>
      preview({ queryCondition: fleet('valve'), updateTwin }).then((shown) => Object(shown).compliantCount)
    expect(await compliantCount(patch)).toEqual(exactly(2))
    expect(await compliantCount({ ...patch, tags: { fleet: 'valve', site: null } })).toEqual(exactly(2))
    expect(await compliantCount({ properties: { desired: { mode: { a: 'valve-0001' } } } })).toEqual(exactly(1))
    expect(await compliantCount({ properties: { desired: { mode: null } } })).toEqual(exactly(1))
  })

  test('of nothing at all is a preview too', async () => {
    expect(await preview({ queryCondition: fleet('nobody'), updateTwin: patch })).toMatchObject({
      deviceCount: exactly(0),
      compliantCount: exactly(0),
      devices: [],
    })
  })

  test('leaves nothing behind', async () => {
    await preview({ queryCondition: fleet('pump'), updateTwin: patch })
    expect(await door.deps.db.prisma.job.count()).toBe(0)
  })
})

describe('refused as its scheduling would be', () => {
  test('a typo in the condition, with its place', async () => {
    expect(
      await preview({ queryCondition: "tags.fleet = 'pump'\n  AND OR", cloudToDeviceMethod: reboot }),
    ).toMatchObject({
      __typename: 'QueryConditionError',
      code: 'QUERY_CONDITION',
      line: 2,
      column: 7,
    })
  })

  test.each([
    ['a call and a patch', { cloudToDeviceMethod: reboot, updateTwin: patch }, ['updateTwin']],
    ['a patch over a limit', { updateTwin: { tags: { 'a.b': 1 } } }, ['updateTwin', 'tags', 'a.b']],
    ['no time to run', { maxExecutionTimeInSeconds: 0 }, ['maxExecutionTimeInSeconds']],
    ['a label that has no name', { labels: [{ name: '', value: 'x' }] }, ['labels', '0', 'name']],
    ['a rate of 0', { rollout: { maxPerMinute: 0 } }, ['rollout', 'maxPerMinute']],
  ])('%s, with its path', async (_what, input, path) => {
    expect(await preview({ queryCondition: '*', ...input })).toMatchObject({ __typename: 'InvalidInputError', path })
  })

  test('a name that is taken, and one that can be none', async () => {
    await givenTwinJob(door.deps, 'pump', { jobId: 'taken' })
    expect(await preview({ jobId: 'taken', queryCondition: '*' })).toMatchObject({ __typename: 'AlreadyExistsError' })
    expect(await preview({ jobId: 'a b', queryCondition: '*' })).toMatchObject({ path: ['jobId'] })
    expect(await preview({ jobId: 'free', queryCondition: '*' })).toMatchObject({ __typename: 'JobPreview' })
  })

  test('more of them than the hub takes', async () => {
    const strict = await openDoor({ clock, throttling: { queries: { amount: 1, seconds: 60 } } })
    const input = { queryCondition: '*' }
    await strict.ask(document, { input })
    const { data, errors } = await strict.ask(document, { input })
    await strict.close()
    expect(errors).toEqual([])
    expect(data).toMatchObject({ previewJob: { __typename: 'LimitExceededError', retryAfterSeconds: 60 } })
  })
})

describe('open jobs on the same devices', () => {
  test('are told, the newest first, with how many devices and paths both touch', async () => {
    const later = new Date(clock.now().getTime() + 60_000)
    await givenMethodJob(door.deps, 'valve', {}, { jobId: 'elsewhere' })
    await givenTwinJob(door.deps, 'pump', { jobId: 'queued', updateTwin: { tags: { site: 'north', wave: 1 } } })
    clock.advance(1)
    await givenTwinJob(door.deps, 'pump', {
      jobId: 'scheduled',
      startTime: later,
      queryCondition: "deviceId < 'pump-0003'",
    })
    clock.advance(1)
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'calls' })
    const { overlaps } = await preview({
      queryCondition: fleet('pump'),
      updateTwin: { tags: { site: null }, ...patch },
    })
    expect(overlaps).toEqual([
      { job: { jobId: 'calls', status: 'QUEUED' }, deviceCount: exactly(25), propertyPaths: [] },
      {
        job: { jobId: 'scheduled', status: 'SCHEDULED' },
        deviceCount: exactly(2),
        propertyPaths: ['properties.desired.interval'],
      },
      { job: { jobId: 'queued', status: 'QUEUED' }, deviceCount: exactly(25), propertyPaths: ['tags.site'] },
    ])
  })

  test('that run count those of their devices that have not ended', async () => {
    const jobId = await givenMethodJob(door.deps, 'valve')
    await start(door.deps, jobId)
    const key = { jobId, deviceId: 'valve-0001' }
    await dispatch(door.deps, key)
    // It may match no longer: its devices are fixed.
    await door.deps.database.pool.query(`update job set query_condition = 'false' where id = $1`, [jobId])
    const overlaps = () => preview({ queryCondition: '*' }).then((shown) => shown.overlaps)
    expect(await overlaps()).toMatchObject([{ job: { jobId, status: 'RUNNING' }, deviceCount: exactly(3) }])
    await answer(door.deps, { ...key, response: { status: 200, payload: '{}' } })
    expect(await overlaps()).toMatchObject([{ job: { jobId }, deviceCount: exactly(2) }])
    await cancelJob(door.deps, tester, jobId)
    expect(await overlaps()).toEqual([])
  })

  test('that are retries touch only what they do again', async () => {
    const jobId = await givenMethodJob(door.deps, 'valve')
    await start(door.deps, jobId)
    const key = { jobId, deviceId: 'valve-0001' }
    await dispatch(door.deps, key)
    await answer(door.deps, { ...key, error: { code: 'DeviceTimeout', description: 'no answer' } })
    await cancelJob(door.deps, tester, jobId)
    await finish(door.deps)
    await retryJob(door.deps, tester, { jobId, newJobId: 'again' })
    const { overlaps } = await preview({ queryCondition: fleet('valve') })
    expect(overlaps).toMatchObject([{ job: { jobId: 'again' }, deviceCount: exactly(1) }])
  })

  test('are at most twenty, and a condition that no longer works touches no device', async () => {
    const ids: string[] = []
    for (let count = 0; count < 22; count++) {
      ids.unshift(await givenMethodJob(door.deps, 'valve'))
      clock.advance(1)
    }
    await door.deps.database.pool.query(`update job set query_condition = 'tags.' where id = $1`, [ids[0]])
    const { overlaps } = await preview({ queryCondition: fleet('valve') })
    expect(overlaps.map(({ job }) => job.jobId)).toEqual(ids.slice(1, 21))
  })
})

describe('bounded in time', () => {
  beforeAll(async () => {
    await door.deps.database.pool.query(
      `insert into device (id, generation_id, created_time)
         select 'big-' || number, 'g', now() from generate_series(1, 10001) number`,
    )
    await door.deps.database.pool.query(
      `insert into twin (device_id, tags)
         select id, '{"fleet": "big", "n": 1.5}' from device where id like 'big-%'`,
    )
  })
  afterAll(() => door.deps.database.pool.query(`delete from device where id like 'big-%'`))

  /** Some hundred calculations for each device, none of which ever matches. */
  const product = Array.from({ length: 30 }, () => 'tags.n').join(' * ')
  const heavy = Array.from({ length: 28 }, (_, index) => `${product} = ${index}`).join(' OR ')

  test('a count of many devices is exact when there is time', async () => {
    await givenTwinJob(door.deps, 'big', { jobId: 'large' })
    const shown = await preview({ queryCondition: fleet('big'), updateTwin: patch })
    expect(shown).toMatchObject({
      deviceCount: exactly(10_001),
      compliantCount: exactly(0),
      overlaps: [{ job: { jobId: 'large' }, deviceCount: { precision: 'AT_LEAST' } }],
    })
  })

  test('a condition that takes too long even for a part of the devices is a LimitExceededError', async () => {
    expect(await preview({ queryCondition: heavy, updateTwin: patch })).toEqual({
      __typename: 'LimitExceededError',
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('Counting timed out'),
      retryAfterSeconds: 10,
    })
  })

  test('and it can be scheduled all the same', async () => {
    const jobId = await givenTwinJob(door.deps, 'big', { queryCondition: heavy })
    const { data } = await door.ask(`{ job(jobId: "${jobId}") { status } }`)
    expect(data).toEqual({ job: { status: 'QUEUED' } })
  })

  test('without time for all, ten thousand are counted, and five hundred are looked at for open jobs', async () => {
    await givenTwinJob(door.deps, 'big', { jobId: 'large' })
    clock.advance(1)
    await givenTwinJob(door.deps, 'big', { jobId: 'single', queryCondition: "deviceId = 'big-9999'" })
    clock.advance(1)
    await givenTwinJob(door.deps, 'big', { jobId: 'none', queryCondition: "deviceId = 'pump-0001'" })
    const { db } = door.deps
    // The first try of each count has no time.
    const refused = new Set([0, 4])
    let question = 0
    const hurried: typeof db.boundedRead = async (...read) =>
      refused.has(question++) ? undefined : db.boundedRead(...read)
    const shown = await previewJob(
      { ...door.deps, db: { ...db, boundedRead: hurried } },
      everything,
      { caller: 'tester' },
      { queryCondition: fleet('big'), updateTwin: patch },
    )
    expect(shown).toMatchObject({
      deviceCount: { value: 10_000, precision: 'atLeast' },
      overlaps: [
        { jobId: 'single', deviceCount: { value: 1, precision: 'exact' } },
        { jobId: 'large', deviceCount: { value: 500, precision: 'atLeast' } },
      ],
      fingerprint: null,
    })
  })
})

describe('the shortest duration', () => {
  test.each([1, 59, 60, 119, 600, 1_000_000])(
    'at %i per minute is what the rate of PostgreSQL allows',
    async (rate) => {
      const { rows } = await door.deps.database.pool.query(
        `select (greatest(25 - rate_burst($1), 0) * extract(epoch from rate_interval($1)))::float as seconds`,
        [rate],
      )
      const shown = await preview({ queryCondition: fleet('pump'), rollout: { maxPerMinute: rate } })
      expect(Object(shown).shortestDurationInSeconds).toBeCloseTo(rows[0].seconds, 6)
    },
  )

  test('is that of all devices, even if the job has less time', async () => {
    const input = { queryCondition: fleet('pump'), maxExecutionTimeInSeconds: 60, rollout: { maxPerMinute: 1 } }
    expect(await preview(input)).toMatchObject({ expectedDurationInSeconds: 60, shortestDurationInSeconds: 24 * 60 })
  })
})

describe('the expected duration', () => {
  test('is that of the connected devices at the pace of the last jobs of the type, and of the wait for others', async () => {
    const jobId = await givenMethodJob(door.deps, 'valve')
    await start(door.deps, jobId)
    for (const number of [1, 2, 3]) {
      const key = { jobId, deviceId: `valve-000${number}` }
      await dispatch(door.deps, key)
      clock.advance(500)
      await answer(door.deps, { ...key, response: { status: 200, payload: '{}' } })
    }
    await finish(door.deps)
    const duration = (input: object) =>
      preview({ queryCondition: fleet('pump'), ...input }).then((shown) => Object(shown).expectedDurationInSeconds)
    await connect('pump-%')
    expect(await duration({ cloudToDeviceMethod: reboot })).toBe(12.5)
    expect(await duration({ cloudToDeviceMethod: reboot, maxExecutionTimeInSeconds: 10 })).toBe(10)
    expect(await duration({ cloudToDeviceMethod: reboot, rollout: { maxPerMinute: 60 } })).toBe(25)
    expect(await duration({ updateTwin: patch })).toBeNull()
    expect(await duration({})).toBeNull()

    const valves = (input: object) => preview({ queryCondition: fleet('valve'), ...input })
    await connect('valve-0001')
    expect(await valves({ cloudToDeviceMethod: reboot })).toMatchObject({
      expectedDurationInSeconds: 0.5,
      maxOfflineWaitInSeconds: 3600,
    })
    const impatient = { ...reboot, connectTimeoutInSeconds: 30 }
    expect(await valves({ cloudToDeviceMethod: impatient })).toMatchObject({ maxOfflineWaitInSeconds: 30 })
    expect(await valves({ updateTwin: patch })).toMatchObject({ maxOfflineWaitInSeconds: null })
    await connect('valve-%')
    expect(await valves({ cloudToDeviceMethod: reboot })).toMatchObject({
      expectedDurationInSeconds: 1.5,
      maxOfflineWaitInSeconds: null,
    })
  })

  test('is longer where a throttle is slower', async () => {
    const slow = await openDoor({ clock, throttling: { jobDeviceOperations: { amount: 120, seconds: 60 } } })
    await givenDevices(slow.deps, 'pump', 5)
    const { data } = await slow.ask(document, { input: { queryCondition: '*', updateTwin: patch } })
    await slow.close()
    expect(data).toMatchObject({ previewJob: { expectedDurationInSeconds: 2.5 } })
  })
})

test('a preview takes as many statements however many devices and jobs it shows', async () => {
  const ask = (condition: string) => countStatements(() => preview({ queryCondition: condition }))
  await givenTwinJob(door.deps, 'valve')
  await ask('*') // whatever the first question of a connection takes
  const few = await ask(`${fleet('valve')} AND deviceId = 'valve-0001'`)
  for (let count = 0; count < 9; count++) await givenTwinJob(door.deps, 'pump')
  expect(await ask(fleet('pump'))).toBe(few)
})

describe('rights', () => {
  const ask = async (policy: string) => {
    const headers = { authorization: await door.token(policy) }
    return door.ask(
      '{ previewJob(input: { queryCondition: "*" }) { ... on JobPreview { deviceCount { value } devices { deviceId } } } }',
      {},
      headers,
    )
  }

  test.each(['iothubowner', 'service', 'registryReadWrite'])(
    '%s may schedule, and so may look before',
    async (policy) => {
      const { data, errors } = await ask(policy)
      expect(errors).toEqual([])
      expect(data).toMatchObject({ previewJob: { devices: expect.any(Array) } })
    },
  )

  test.each(['registryRead', 'device'])('%s may not', async (policy) => {
    expect((await ask(policy)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  })
})

describe('what a client expects when it schedules', () => {
  const schedule = async (expected: unknown, more: object = {}) => {
    const { data, errors } = await door.ask(
      `mutation ($input: ScheduleDeviceMethodInput!) {
        scheduleDeviceMethod(input: $input) {
          __typename
          ... on ScheduleJobPayload { job { jobId maxDevices } }
          ... on Error { code message }
          ... on ExpectationFailedError { deviceCount fingerprint }
          ... on InvalidInputError { path }
        }
      }`,
      { input: { queryCondition: fleet('fan'), cloudToDeviceMethod: reboot, expect: expected, ...more } },
    )
    expect(errors).toEqual([])
    return Object(data.scheduleDeviceMethod)
  }
  const fingerprint = () => preview({ queryCondition: fleet('fan') }).then((shown) => shown.fingerprint)

  beforeEach(async () => {
    await door.deps.database.pool.query(`delete from device where id like 'fan-%'`)
    await givenDevices(door.deps, 'fan', 3)
  })

  test('holds while the devices are the same, whatever their twins become', async () => {
    const seen = await fingerprint()
    await reportProperties(door.deps, 'fan-0001', { temperature: 20 })
    await patchTwin(door.deps, everything, { deviceId: 'fan-0002', patch: { tags: { site: 'north' } }, ifMatch: '*' })
    expect(await schedule({ fingerprint: seen, maxDevices: 3 })).toMatchObject({
      __typename: 'ScheduleJobPayload',
      job: { maxDevices: 3 },
    })
    expect(await schedule({ fingerprint: null, maxDevices: null })).toMatchObject({ job: { maxDevices: null } })
  })

  test.each<[string, number, () => Promise<unknown>]>([
    [
      'one has joined',
      4,
      () => createDevices(door.deps, everything, [{ deviceId: 'fan-9', twin: { tags: { fleet: 'fan' } } }]),
    ],
    [
      'one has left',
      2,
      () => patchTwin(door.deps, everything, { deviceId: 'fan-0001', patch: { tags: { fleet: null } }, ifMatch: '*' }),
    ],
    [
      'one is another of the same name',
      3,
      async () => {
        await deleteDevice(door.deps, everything, { deviceId: 'fan-0001', ifMatch: '*' })
        await createDevices(door.deps, everything, [{ deviceId: 'fan-0001', twin: { tags: { fleet: 'fan' } } }])
      },
    ],
  ])('is refused when %s, and nothing is scheduled', async (_what, deviceCount, drift) => {
    const seen = await fingerprint()
    await drift()
    const present = await fingerprint()
    expect(present).not.toBe(seen)
    expect(await schedule({ fingerprint: seen }, { jobId: 'drifted' })).toMatchObject({
      __typename: 'ExpectationFailedError',
      code: 'EXPECTATION_FAILED',
      deviceCount,
      fingerprint: present,
    })
    expect(await door.deps.db.prisma.job.count()).toBe(0)
    expect(await schedule({ fingerprint: present }, { jobId: 'drifted' })).toMatchObject({ job: { jobId: 'drifted' } })
  })

  test('is refused when there are more devices than there may be', async () => {
    expect(await schedule({ maxDevices: 2 })).toMatchObject({
      __typename: 'ExpectationFailedError',
      message: '3 devices match; this job is limited to 2.',
      deviceCount: 3,
    })
  })

  test('is not looked at when the job is there already', async () => {
    const seen = await fingerprint()
    await schedule({ fingerprint: seen }, { jobId: 'once' })
    await createDevices(door.deps, everything, [{ deviceId: 'fan-9', twin: { tags: { fleet: 'fan' } } }])
    expect(await schedule({ fingerprint: seen }, { jobId: 'once' })).toMatchObject({ code: 'ALREADY_EXISTS' })
  })

  test('is refused when there is no time to look, and nothing is scheduled', async () => {
    const { deps } = door
    const hurried = { ...deps, db: { ...deps.db, boundedRead: async () => undefined } }
    const request = { type: 'scheduleDeviceMethod', queryCondition: '*', cloudToDeviceMethod: reboot } as const
    const scheduled = scheduleJob(hurried, tester, { ...request, expect: { maxDevices: 1000 } })
    await expect(scheduled).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['expect'] })
    expect(await deps.db.prisma.job.count()).toBe(0)
  })

  test.each([
    ['a fingerprint that is none', { fingerprint: 'abc' }, ['expect', 'fingerprint']],
    ['fewer devices than none', { maxDevices: -1 }, ['expect', 'maxDevices']],
  ])('may not be %s', async (_what, expected, path) => {
    expect(await schedule(expected)).toMatchObject({ __typename: 'InvalidInputError', path })
  })

  test('holds for patches of twins, too', async () => {
    const { data } = await door.ask(
      `mutation ($input: ScheduleTwinUpdateInput!) {
        scheduleTwinUpdate(input: $input) { ... on ExpectationFailedError { deviceCount } }
      }`,
      { input: { queryCondition: fleet('fan'), updateTwin: patch, expect: { maxDevices: 0 } } },
    )
    expect(data).toEqual({ scheduleTwinUpdate: { deviceCount: 3 } })
  })

  test('of the number of devices holds when the job starts: with more it fails and touches none', async () => {
    const run = () => startDueJobs(door.deps, { maxRunning: 10 }).run(clock.now())
    await schedule({ maxDevices: 3 }, { jobId: 'enough' })
    await run()
    await schedule({ maxDevices: 3 }, { jobId: 'too-many' })
    await createDevices(door.deps, everything, [{ deviceId: 'fan-9', twin: { tags: { fleet: 'fan' } } }])
    await run()
    const { data } = await door.ask(
      `{
        enough: job(jobId: "enough") { status deviceJobStatistics { deviceCount } }
        tooMany: job(jobId: "too-many") {
          status failureReason deviceJobStatistics { deviceCount } deviceJobs(first: 1) { totalCount }
        }
      }`,
    )
    expect(data).toEqual({
      enough: { status: 'RUNNING', deviceJobStatistics: { deviceCount: 3 } },
      tooMany: {
        status: 'FAILED',
        failureReason: '4 devices match; this job is limited to 3.',
        deviceJobStatistics: { deviceCount: 0 },
        deviceJobs: { totalCount: 0 },
      },
    })
  })
})
