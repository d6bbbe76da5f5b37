import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { finishJobs } from '../../../src/job/store/transitions.ts'
import { takeSamples } from '../../../src/scheduler/take-samples.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'valve', 3)
})
afterAll(() => door.close())

const connect = (...deviceIds: string[]) =>
  door.deps.database.pool.query(
    "update device set connection_state = 'connected', connection_id = 'c', instance_id = 'i' where id = any($1)",
    [deviceIds],
  )

const jobOf = async (jobId: string, fields: string) => {
  const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${fields} } }`)
  expect(errors).toEqual([])
  return Object(data.job)
}

describe('throughput and eta', () => {
  test('are 0 and null before the start', async () => {
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'later', startTime: new Date(clock.now().getTime() + 60_000) })
    expect(await jobOf('later', 'throughput eta')).toEqual({ throughput: 0, eta: null })
  })

  test('follow what has ended in the last ten seconds', async () => {
    await givenDevices(door.deps, 'lamp', 9)
    const jobId = await givenMethodJob(door.deps, 'lamp', {}, { jobId: 'lamps', maxExecutionTimeInSeconds: 1000 })
    await start(door.deps, jobId)
    const begin = clock.now().getTime()
    const lamp = (number: number) => ({ jobId, deviceId: `lamp-000${number}` })
    const end = (...numbers: number[]) =>
      answer(door.deps, ...numbers.map((number) => ({ ...lamp(number), response: { status: 200, payload: 'null' } })))
    const at = (seconds: number) => new Date(begin + seconds * 1000).toISOString()
    await dispatch(door.deps, ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(lamp))
    expect(await jobOf(jobId, 'throughput eta')).toEqual({ throughput: 0, eta: at(1000) })

    clock.advance(2000)
    await end(1, 2, 3, 4)
    expect(await jobOf(jobId, 'throughput eta')).toEqual({ throughput: 2, eta: at(4.5) })
    clock.advance(9000)
    await end(5)
    expect(await jobOf(jobId, 'throughput eta')).toEqual({ throughput: 0.5, eta: at(19) })
    clock.advance(9000)
    expect(await jobOf(jobId, 'throughput eta')).toEqual({ throughput: 0.1, eta: at(60) })
    clock.advance(2000)
    expect(await jobOf(jobId, 'throughput eta')).toEqual({ throughput: 0, eta: at(1000) })

    await end(6, 7, 8, 9)
    clock.advance(3000)
    await door.deps.db.transaction((tx) => finishJobs(tx, clock.now()))
    expect(await jobOf(jobId, 'status throughput eta')).toEqual({
      status: 'COMPLETED',
      throughput: 9 / 25,
      eta: null,
    })
  })

  test('know until when devices are waited for that are not connected', async () => {
    const jobId = await givenMethodJob(
      door.deps,
      'valve',
      { connectTimeoutInSeconds: 120 },
      { jobId: 'away', maxExecutionTimeInSeconds: 1000 },
    )
    const begin = clock.now().getTime()
    await start(door.deps, jobId)
    expect(await jobOf(jobId, 'throughput eta')).toEqual({
      throughput: 0,
      eta: new Date(begin + 120_000).toISOString(),
    })
    await connect('valve-0001')
    expect(await jobOf(jobId, 'eta')).toEqual({ eta: new Date(begin + 1_000_000).toISOString() })
  })

  test('read no more outcomes than they need, and say how fast those came', async () => {
    const jobId = await givenMethodJob(door.deps, 'nobody', {}, { jobId: 'fast' })
    const started = clock.now()
    clock.advance(5000)
    await door.deps.database.pool.query(
      `with fast as (
         update job set status = 'running', started_time = $2, device_count = 6000, pending_count = 0,
                        running_count = 0, succeeded_count = 6000
         where id = $1 returning key
       )
       insert into device_job_outcome (job_key, device_id, ended_time, version)
       select key, 'fast-' || n, $2::timestamptz + interval '1 ms' * (n / 2), n from fast, generate_series(1, 6000) n`,
      [jobId, started],
    )
    // The newest 5,000 of two a millisecond: from 500 ms after the start on, of five seconds.
    expect((await jobOf(jobId, 'throughput')).throughput).toBeCloseTo(5000 / 4.5, 5)
  })
})

describe('samples', () => {
  test('show the progress from the start to the present, of many jobs by one statement', async () => {
    await givenDevices(door.deps, 'horn', 2)
    const ids = ['horns-1', 'horns-2']
    for (const jobId of ids) {
      await givenMethodJob(door.deps, 'horn', {}, { jobId })
      await start(door.deps, jobId)
      await dispatch(door.deps, { jobId, deviceId: 'horn-0001' })
    }
    const begin = clock.now().getTime()
    const at = (seconds: number) => new Date(begin + seconds * 1000).toISOString()
    clock.advance(1000)
    await takeSamples(door.deps).run(clock.now())
    for (const jobId of ids) {
      await answer(door.deps, { jobId, deviceId: 'horn-0001', response: { status: 503, payload: 'null' } })
    }
    clock.advance(500)
    const counts = 'deviceCount pendingCount runningCount succeededCount refusedCount failedCount cancelledCount'
    const selection = `samples { time deviceJobStatistics { ${counts} } }`
    const query = `{ jobs(filter: { jobIdPrefix: "horns" }, first: 2) { nodes { jobId SELECTION } } }`
    const ask = (fields: string) => door.ask(query.replace('SELECTION', fields))
    const statistics = { deviceCount: 2, pendingCount: 1, runningCount: 0, succeededCount: 0, refusedCount: 0 }
    const rest = { failedCount: 0, cancelledCount: 0 }
    const { data, errors } = await ask(selection)
    expect(errors).toEqual([])
    for (const { samples } of Object(data.jobs).nodes) {
      expect(samples).toEqual([
        { time: at(0), deviceJobStatistics: { ...statistics, pendingCount: 2, ...rest } },
        { time: at(1), deviceJobStatistics: { ...statistics, runningCount: 1, ...rest } },
        { time: at(1.5), deviceJobStatistics: { ...statistics, succeededCount: 1, refusedCount: 1, ...rest } },
      ])
    }
    const [without, withSamples] = [await countStatements(() => ask('')), await countStatements(() => ask(selection))]
    expect(withSamples - without).toBe(1)
  })

  test('are empty before the start', async () => {
    expect(await jobOf('later', 'samples { time }')).toEqual({ samples: [] })
  })

  test('count for the complexity of an operation: of a whole page of jobs they are refused', async () => {
    const { errors } = await door.ask('{ jobs(first: 100) { nodes { samples { time } } } }')
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'complexity' } }])
  })
})
