import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createEvents, jobEventInterval } from '../../../src/events/events.ts'
import { createGraphqlServer } from '../../../src/graphql/transport/server.ts'
import { cancelJob } from '../../../src/job/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { hubName, openDoor, owner, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, finish, start } from '../facts.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

type Update = {
  readonly cursor: string
  readonly deviceJobs: readonly { readonly deviceId: string; readonly status: string }[]
}

let clock: TestClock
let door: TestDoor
let port: OpenPort
let many: string[]
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'few', 5)
  many = await givenDevices(door.deps, 'many', 1250)
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const query = `subscription ($jobId: String!, $after: String) {
  deviceJobEnded(jobId: $jobId, after: $after) { cursor deviceJobs { deviceId status } }
}`

/** Starts the subscription; `next` waits for its next update, undefined when it is complete, and fails on an error. */
const subscribe = (variables: Record<string, unknown>, text = query) => {
  const results = port.client().iterate<{ deviceJobEnded: Update }>({ query: text, variables })
  return {
    async next(): Promise<Update | undefined> {
      const { value, done } = await results.next()
      if (done) return undefined
      if (value.errors) throw new Error(JSON.stringify(value.errors))
      return value.data?.deviceJobEnded
    },
    leave: () => results.return?.(),
  }
}

/** All updates until it is complete. */
const readAll = async (variables: Record<string, unknown>): Promise<Update[]> => {
  const updates = subscribe(variables)
  const all: Update[] = []
  for (let next = await updates.next(); next !== undefined; next = await updates.next()) all.push(next)
  return all
}

const told = (updates: readonly (Update | undefined)[]): string[] =>
  updates.flatMap((update) => update?.deviceJobs.map(({ deviceId, status }) => `${deviceId} ${status}`) ?? [])

const calm = async () => {
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(jobEventInterval)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

let count = 0
const givenStartedJob = async (fleet = 'few') => {
  const jobId = await givenMethodJob(door.deps, fleet, {}, { jobId: `ended-${++count}` })
  await start(door.deps, jobId)
  await calm()
  return jobId
}

const ok = { response: { status: 200, payload: '{"ok":true}' } }
const settleSome = async (jobId: string, ...deviceIds: string[]) => {
  const keys = deviceIds.map((deviceId) => ({ jobId, deviceId }))
  await dispatch(door.deps, ...keys)
  await answer(door.deps, ...keys.map((key) => ({ ...key, ...ok })))
  await calm()
}
const [a = '', b = '', c = '', d = '', e = ''] = ['few-0001', 'few-0002', 'few-0003', 'few-0004', 'few-0005']

describe('deviceJobEnded', () => {
  test('tells of those that have ended, then of the others as they do, and completes after the last', async () => {
    const jobId = await givenStartedJob()
    await settleSome(jobId, c)
    await settleSome(jobId, a)
    const updates = subscribe({ jobId })
    expect(told([await updates.next()])).toEqual([`${c} COMPLETED`, `${a} COMPLETED`])
    await settleSome(jobId, e, b)
    expect(told([await updates.next()])).toEqual([`${b} COMPLETED`, `${e} COMPLETED`])
    await cancelJob(door.deps, tester, jobId)
    await calm()
    expect(told([await updates.next()])).toEqual([`${d} CANCELLED`])
    expect(await updates.next()).toBeUndefined()
  })

  test('goes on behind any cursor, also of a job that has ended, and at another instance', async () => {
    const jobId = await givenStartedJob('many')
    await settleSome(jobId, ...many.slice(0, 1100).reverse())
    await settleSome(jobId, ...many.slice(1200))
    await cancelJob(door.deps, tester, jobId)
    const all = await readAll({ jobId })
    expect(told(all)).toEqual([
      ...many.slice(0, 1100).map((deviceId) => `${deviceId} COMPLETED`),
      ...many.slice(1200).map((deviceId) => `${deviceId} COMPLETED`),
      ...many.slice(1100, 1200).map((deviceId) => `${deviceId} CANCELLED`),
    ])
    expect(Math.max(...all.map(({ deviceJobs }) => deviceJobs.length))).toBe(100)
    const elsewhere = { ...door.deps, events: createEvents(clock) }
    const server = createGraphqlServer(elsewhere, { hostNames: [hubName], anonymous: owner })
    const here = port
    port = await openPort({ server })
    try {
      for (const index of [0, 5, 10, 11, 12, all.length - 1]) {
        expect(await readAll({ jobId, after: all[index]?.cursor })).toEqual(all.slice(index + 1))
      }
    } finally {
      await port.close()
      await server.close()
      port = here
    }
  })

  test('of a job whose last devices fill several updates completes after the last of these', async () => {
    const jobId = await givenStartedJob('many')
    await settleSome(jobId, ...many)
    await finish(door.deps)
    const all = await readAll({ jobId })
    expect(told(all)).toEqual(many.map((deviceId) => `${deviceId} COMPLETED`))
  })

  test('tells those who ask the same what each has not been told, though one reads for all', async () => {
    const jobId = await givenStartedJob()
    await settleSome(jobId, a)
    const behind = subscribe({ jobId })
    expect(told([await behind.next()])).toEqual([`${a} COMPLETED`])
    // Written, and nobody was told of it yet; who comes now sees it at once.
    const quiet = { ...door.deps, events: createEvents(clock) }
    await dispatch(quiet, { jobId, deviceId: b })
    await answer(quiet, { jobId, deviceId: b, ...ok })
    const ahead = subscribe({ jobId })
    expect(told([await ahead.next()])).toEqual([`${a} COMPLETED`, `${b} COMPLETED`])
    const next = [behind.next(), ahead.next()]
    door.deps.events.publish('job', jobId, { jobId })
    expect(told([await next[0]])).toEqual([`${b} COMPLETED`])
    await settleSome(jobId, c)
    expect(told([await behind.next()])).toEqual([`${c} COMPLETED`])
    expect(told([await next[1]])).toEqual([`${c} COMPLETED`])
    await cancelJob(door.deps, tester, jobId)
  })

  test('of a job without devices completes', async () => {
    const jobId = await givenMethodJob(door.deps, 'nobody', {}, { jobId: `ended-${++count}` })
    await cancelJob(door.deps, tester, jobId)
    expect(await readAll({ jobId })).toEqual([])
  })

  test('tells of each device job with its device and twin in a constant number of statements', async () => {
    const jobId = await givenStartedJob('many')
    await settleSome(jobId, ...many.slice(-1))
    const updates = subscribe(
      { jobId },
      `subscription ($jobId: String!) {
        deviceJobEnded(jobId: $jobId) {
          cursor
          job { status }
          deviceJobs { deviceId status endTime outcome { status payload } error { code } device { twin { tags } } }
        }
      }`,
    )
    await updates.next()
    let next = updates.next()
    /** Nobody hears of these changes, and so nothing is read but for the one event below. */
    const quiet = { ...door.deps, events: createEvents(clock) }
    /** Statements for an update about so many. */
    const countFor = async (deviceIds: readonly string[]): Promise<number> => {
      const keys = deviceIds.map((deviceId) => ({ jobId, deviceId }))
      await dispatch(quiet, ...keys)
      await answer(quiet, ...keys.map((key) => ({ ...key, ...ok })))
      return countStatements(async () => {
        door.deps.events.publish('job', jobId, { jobId })
        const update = await next
        expect(update?.deviceJobs).toHaveLength(deviceIds.length)
        expect(update?.deviceJobs[0]).toMatchObject({
          outcome: { status: 200, payload: { ok: true } },
          error: null,
          device: { twin: { tags: { fleet: 'many' } } },
        })
        next = updates.next()
      })
    }
    const few = await countFor(many.slice(0, 2))
    expect(await countFor(many.slice(2, 102))).toBe(few)
    expect(few).toBeLessThan(8)
    await cancelJob(door.deps, tester, jobId)
    await updates.leave()
  })

  test.each([
    ['none at all', () => 'nonsense'],
    ['of another list', () => Buffer.from(JSON.stringify(['jobs', '1', 'a'])).toString('base64url')],
  ])('refuses a cursor that is %s', async (_what, cursor) => {
    const jobId = await givenStartedJob()
    await expect(subscribe({ jobId, after: cursor() }).next()).rejects.toThrow('INVALID_CURSOR')
    await cancelJob(door.deps, tester, jobId)
  })

  test('refuses a cursor of another job, also of one that had its name before', async () => {
    const jobId = await givenStartedJob()
    await settleSome(jobId, a)
    const cursor = (await subscribe({ jobId }).next())?.cursor
    // The others come to the same version, with the same device: they differ in nothing but the job.
    const otherId = await givenStartedJob()
    await settleSome(otherId, a)
    await expect(subscribe({ jobId: otherId, after: cursor }).next()).rejects.toThrow('INVALID_CURSOR')
    await door.deps.database.pool.query('delete from device_job_outcome')
    await door.deps.database.pool.query('delete from device_job')
    await door.deps.database.pool.query('delete from device_job_dispatch')
    await door.deps.database.pool.query('delete from job where id = $1', [jobId])
    await givenMethodJob(door.deps, 'few', {}, { jobId })
    await start(door.deps, jobId)
    await settleSome(jobId, a)
    await expect(subscribe({ jobId, after: cursor }).next()).rejects.toThrow('INVALID_CURSOR')
  })

  test('refuses a cursor of a version that the job has not come to', async () => {
    const jobId = await givenStartedJob()
    await settleSome(jobId, a)
    const cursor = (await subscribe({ jobId }).next())?.cursor ?? ''
    const [name, version, deviceId] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const later = Buffer.from(JSON.stringify([name, String(Number(version) + 1), deviceId])).toString('base64url')
    await expect(subscribe({ jobId, after: later }).next()).rejects.toThrow('INVALID_CURSOR')
    await finish(door.deps)
  })

  test('of an unknown job is an error of the request', async () => {
    await expect(subscribe({ jobId: 'nobody' }).next()).rejects.toThrow('NOT_FOUND')
  })
})
