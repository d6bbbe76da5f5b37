import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { cancelJob } from '../../../src/job/commands.ts'
import { finishJobs, queueDueJobs } from '../../../src/job/store/transitions.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, givenTwinJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 6)
  await givenDevices(door.deps, 'valve', 3)
  await connect('pump-0001', 'pump-0002', 'pump-0003', 'pump-0004')
})
afterAll(() => door.close())

const connect = (...deviceIds: string[]) =>
  door.deps.database.pool.query(
    "update device set connection_state = 'connected', connection_id = 'c', instance_id = 'i' where id = any($1)",
    [deviceIds],
  )
const key = (jobId: string, number: number) => ({ jobId, deviceId: `pump-000${number}` })
const done = (jobId: string, number: number) => ({ ...key(jobId, number), response: { status: 200, payload: 'null' } })

const jobOf = async (jobId: string, fields: string) => {
  const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${fields} } }`)
  expect(errors).toEqual([])
  return Object(data.job)
}
const blockersOf = async (jobId: string, fields = 'reason until position deviceCount { value precision }') =>
  (await jobOf(jobId, `blockers { ${fields} }`)).blockers

const nothing = { until: null, position: null, deviceCount: null }

describe('a job waits', () => {
  test('for its start time, which it shows', async () => {
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'tonight', startTime: new Date('2026-01-01T01:00:00Z') })
    expect(await blockersOf('tonight')).toEqual([
      { ...nothing, reason: 'START_TIME', until: '2026-01-01T01:00:00.000Z' },
    ])
    expect(await blockersOf('tonight', 'message')).toEqual([{ message: 'The job starts at 2026-01-01T01:00:00.000Z.' }])
  })

  test('for a slot, at the place where it will have its turn', async () => {
    const inSeconds = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000)
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'q-2', startTime: inSeconds(10) })
    clock.advance(1000)
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'q-1', startTime: inSeconds(9) })
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'q-3', startTime: inSeconds(8) })
    clock.advance(9000)
    await door.deps.db.transaction((tx) => queueDueJobs(tx, clock.now()))
    const { data } = await door.ask(
      '{ jobs(filter: { jobIdPrefix: "q-" }, orderBy: { field: JOB_ID, direction: ASC }, first: 5) { nodes { jobId blockers { reason position } } } }',
    )
    const slot = (position: number) => [{ reason: 'SLOT', position }]
    expect(Object(data.jobs).nodes).toEqual([
      { jobId: 'q-1', blockers: slot(3) },
      { jobId: 'q-2', blockers: slot(2) },
      { jobId: 'q-3', blockers: slot(1) },
    ])
    await start(door.deps, 'q-3')
    expect(await blockersOf('q-1')).toEqual([{ ...nothing, reason: 'SLOT', position: 2 }])
  })

  test('for devices that are not connected, and not for those that are', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'half' })
    await start(door.deps, jobId)
    const away = (value: number) => [
      { ...nothing, reason: 'DEVICES_NOT_CONNECTED', deviceCount: { value, precision: 'EXACT' } },
    ]
    expect(await blockersOf(jobId)).toEqual(away(2))
    await dispatch(door.deps, key(jobId, 1), key(jobId, 6))
    expect(await blockersOf(jobId)).toEqual(away(1))
  })

  test('for ten thousand devices or more', async () => {
    const { pool } = door.deps.database
    const jobId = await givenMethodJob(door.deps, 'nobody', {}, { jobId: 'wide' })
    await pool.query(
      `with wide as (
         update job set status = 'running', started_time = now(), device_count = 10001, pending_count = 10001
         where id = $1 returning key
       )
       insert into device_job (job_key, device_id) select key, 'away-' || n from wide, generate_series(1, 10001) n`,
      [jobId],
    )
    expect(await blockersOf(jobId, 'message deviceCount { value precision }')).toEqual([
      {
        message: 'At least 10,000 devices have to connect before the call can be sent.',
        deviceCount: { value: 10_000, precision: 'AT_LEAST' },
      },
    ])
    await pool.query("delete from device_job where device_id = 'away-1'")
    await pool.query("update job set device_count = 10000, pending_count = 10000 where id = 'wide'")
    expect(await blockersOf(jobId, 'deviceCount { value precision }')).toEqual([
      { deviceCount: { value: 10_000, precision: 'EXACT' } },
    ])
  })

  test('for the calls under way when nothing else is left, or it was cancelled', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'last' })
    await start(door.deps, jobId)
    await dispatch(door.deps, key(jobId, 1), key(jobId, 2))
    await cancelJob(door.deps, tester, jobId)
    const calls = (value: number) => [
      { ...nothing, reason: 'CALLS_UNDER_WAY', deviceCount: { value, precision: 'EXACT' } },
    ]
    expect(await blockersOf(jobId)).toEqual(calls(2))
    await answer(door.deps, done(jobId, 1))
    expect(await blockersOf(jobId)).toEqual(calls(1))
    await answer(door.deps, done(jobId, 2))
    await door.deps.db.transaction((tx) => finishJobs(tx, clock.now()))
    expect(await blockersOf(jobId)).toEqual([])
  })

  test('for nothing when it patches twins', async () => {
    const jobId = await givenTwinJob(door.deps, 'valve', { jobId: 'twins' })
    await start(door.deps, jobId)
    expect(await blockersOf(jobId)).toEqual([])
  })
})

describe('counting the devices that are not connected', () => {
  test('is done once for concurrent requests, and when it took long not again for a while', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'long' })
    await start(door.deps, jobId)
    const { boundedRead } = door.deps.db
    const counting = vi.fn()
    const slow = vi.spyOn(door.deps.db, 'boundedRead').mockImplementation((asker, ...read) => {
      if (asker.caller === 'devices that are not connected') {
        counting()
        clock.advance(300)
      }
      return boundedRead(asker, ...read)
    })
    try {
      const counts = async () => (await blockersOf(jobId, 'deviceCount { value }'))[0].deviceCount.value
      expect(await Promise.all([counts(), counts(), jobOf(jobId, 'eta')])).toMatchObject([2, 2, {}])
      await dispatch(door.deps, key(jobId, 6))
      clock.advance(2_999)
      expect(await counts()).toBe(2)
      expect(counting).toHaveBeenCalledTimes(1)
      clock.advance(1)
      expect(await counts()).toBe(1)
    } finally {
      slow.mockRestore()
    }
  })

  test.each(['eta', 'blockers { reason }'])('is an error of %s when there is no time for it', async (field) => {
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'busy' }).then(
      () => start(door.deps, 'busy'),
      () => {}, // made by whichever comes first
    )
    const busy = vi.spyOn(door.deps.db, 'boundedRead').mockResolvedValue(undefined)
    try {
      const { errors } = await door.ask(`{ job(jobId: "busy") { ${field} } }`)
      expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 1 } }])
    } finally {
      busy.mockRestore()
    }
  })
})

test('blockers, throughput and eta of many jobs cost what those of one cost', async () => {
  for (let count = 0; count < 10; count++) {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: `s-${count}` })
    if (count % 2 === 0) await start(door.deps, jobId)
  }
  const ask = async (first: number) => {
    const { errors } = await door.ask(
      `{ jobs(filter: { jobIdPrefix: "s-" }, orderBy: { field: JOB_ID, direction: ASC }, first: ${first}) { nodes { throughput eta blockers { reason deviceCount { value } } } } }`,
    )
    expect(errors).toEqual([])
  }
  await ask(2)
  expect(await countStatements(() => ask(2))).toBe(4)
  expect(await countStatements(() => ask(10))).toBe(4)
})
