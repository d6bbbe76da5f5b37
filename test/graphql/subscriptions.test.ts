import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createDevice, deleteDevice, updateDevice } from '../../src/device/commands.ts'
import { jobEventInterval } from '../../src/events/events.ts'
import { cancelJob, pauseJob, resumeJob, updateJob } from '../../src/job/commands.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin, reportProperties } from '../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices, givenMethodJob, tester } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { answer, countStatements, dispatch, finish, start } from './facts.ts'
import { type OpenPort, openPort, until } from './transport/sockets.ts'

let clock: TestClock
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 3)
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

/** Starts a subscription; `next` waits for its next data, and fails on an error. */
const subscribe = (query: string, variables: Record<string, unknown> = {}) => {
  const results = port.client().iterate<Record<string, unknown>>({ query, variables })
  return {
    async next() {
      const { value, done } = await results.next()
      if (done) return 'complete'
      if (value.errors) throw new Error(JSON.stringify(value.errors))
      return value.data
    },
    leave: () => results.return?.(),
  }
}

let count = 0
const givenStartedJob = async () => {
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: `job-${++count}` })
  await start(door.deps, jobId)
  await calm()
  return jobId
}

/** Lets the intervals pass in which changes of a job are held back: the event that waits, and the silence after it. */
const calm = async () => {
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(jobEventInterval)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('deviceJobStatistics', () => {
  const query = `subscription ($jobId: String!) {
    deviceJobStatistics(jobId: $jobId) {
      version
      deviceJobStatistics { pendingCount runningCount succeededCount }
      job { status outcome deviceJobStatistics { runningCount } }
    }
  }`

  test('shows the job paused and resumed', async () => {
    const jobId = await givenStartedJob()
    const updates = subscribe(query, { jobId })
    const shows = (version: number, status: string) => ({ deviceJobStatistics: { version, job: { status } } })
    expect(await updates.next()).toMatchObject(shows(2, 'RUNNING'))
    await pauseJob(door.deps, tester, jobId)
    expect(await updates.next()).toMatchObject(shows(3, 'PAUSED'))
    await calm()
    await resumeJob(door.deps, tester, jobId)
    expect(await updates.next()).toMatchObject(shows(4, 'RUNNING'))
    await updates.leave()
  })

  test('shows the job as it is, then as it becomes, and ends with it', async () => {
    const jobId = await givenStartedJob()
    const keys = [1, 2, 3].map((number) => ({ jobId, deviceId: `pump-000${number}` }))
    const updates = subscribe(query, { jobId })
    expect(await updates.next()).toMatchObject({
      deviceJobStatistics: {
        version: 2,
        deviceJobStatistics: { pendingCount: 3 },
        job: { status: 'RUNNING', outcome: null },
      },
    })

    await dispatch(door.deps, ...keys)
    // A later event shows the row as it is now, in every part of the answer.
    expect(await updates.next()).toMatchObject({
      deviceJobStatistics: {
        version: 3,
        deviceJobStatistics: { pendingCount: 0, runningCount: 3 },
        job: { deviceJobStatistics: { runningCount: 3 } },
      },
    })

    await answer(door.deps, ...keys.map((key) => ({ ...key, response: { status: 200, payload: 'null' } })))
    await finish(door.deps)
    await calm()
    expect(await updates.next()).toMatchObject({
      deviceJobStatistics: {
        deviceJobStatistics: { succeededCount: 3 },
        job: { status: 'COMPLETED', outcome: 'SUCCEEDED' },
      },
    })
    expect(await updates.next()).toBe('complete')
  })

  test('shows the device jobs of a job in each update as they are then', async () => {
    const jobId = await givenStartedJob()
    const updates = subscribe(
      `subscription ($jobId: String!) {
        deviceJobStatistics(jobId: $jobId) {
          job { deviceJobs(first: 1) { nodes { status device { deviceJobs(first: 1) { nodes { status } } } } } }
        }
      }`,
      { jobId },
    )
    const withStatus = (status: string) => ({
      deviceJobStatistics: {
        job: { deviceJobs: { nodes: [{ status, device: { deviceJobs: { nodes: [{ status }] } } }] } },
      },
    })
    expect(await updates.next()).toEqual(withStatus('PENDING'))
    await dispatch(door.deps, { jobId, deviceId: 'pump-0001' })
    expect(await updates.next()).toEqual(withStatus('RUNNING'))
  })

  test('of a job that has ended shows its end and is over', async () => {
    const jobId = await givenStartedJob()
    await cancelJob(door.deps, tester, jobId)
    const updates = subscribe(query, { jobId })
    expect(await updates.next()).toMatchObject({ deviceJobStatistics: { job: { outcome: 'CANCELLED' } } })
    expect(await updates.next()).toBe('complete')
  })

  test('makes many changes one update, and shows the last', async () => {
    const jobId = await givenStartedJob()
    const updates = subscribe(query, { jobId })
    await updates.next()
    for (const number of [1, 2, 3]) await dispatch(door.deps, { jobId, deviceId: `pump-000${number}` })
    await calm()
    const seen: unknown[] = [await updates.next()]
    if (!JSON.stringify(seen).includes('"version":5')) seen.push(await updates.next())
    expect(seen.length).toBeLessThanOrEqual(2)
    expect(seen.at(-1)).toMatchObject({ deviceJobStatistics: { version: 5, deviceJobStatistics: { runningCount: 3 } } })
  })

  test('shows nothing again that it has shown', async () => {
    const jobId = await givenStartedJob()
    const updates = subscribe(query, { jobId })
    await updates.next()
    door.deps.events.publish('job', jobId, { jobId })
    await dispatch(door.deps, { jobId, deviceId: 'pump-0001' })
    expect(await updates.next()).toMatchObject({ deviceJobStatistics: { version: 3 } })
  })

  test('costs one statement an update, whatever is selected', async () => {
    const jobId = await givenStartedJob()
    const updates = subscribe(query, { jobId })
    await updates.next()
    await door.deps.database.pool.query('update job set version = 7 where id = $1', [jobId])
    const statements = await countStatements(async () => {
      door.deps.events.publish('job', jobId, { jobId })
      expect(await updates.next()).toMatchObject({ deviceJobStatistics: { version: 7, job: { status: 'RUNNING' } } })
    })
    expect(statements).toBe(1)
  })

  test('of an unknown job is an error of the request', async () => {
    await expect(subscribe(query, { jobId: 'nobody' }).next()).rejects.toThrow('NOT_FOUND')
  })
})

describe('deviceJobStatistics after a version', () => {
  const query = `subscription ($jobId: String!, $after: Int) {
    deviceJobStatistics(jobId: $jobId, after: $after) { version deviceJobStatistics { pendingCount runningCount } }
  }`
  const version = (number: number) => expect.objectContaining({ version: number })

  test('shows what has come since', async () => {
    const jobId = await givenStartedJob()
    expect(await subscribe(query, { jobId, after: 1 }).next()).toEqual({ deviceJobStatistics: version(2) })
    expect(await subscribe(query, { jobId, after: 0 }).next()).toEqual({ deviceJobStatistics: version(2) })
  })

  test('shows nothing old: with the present version only what is newer', async () => {
    const jobId = await givenStartedJob()
    const updates = subscribe(query, { jobId, after: 2 })
    const next = updates.next()
    await until(() => door.server.openStreams() === 1)
    door.deps.events.publish('job', jobId, { jobId })
    await dispatch(door.deps, { jobId, deviceId: 'pump-0001' })
    expect(await next).toEqual({ deviceJobStatistics: version(3) })
  })

  test('compares versions also for a client that does not select them', async () => {
    const jobId = await givenStartedJob()
    const unselected = `subscription ($jobId: String!, $after: Int) {
      deviceJobStatistics(jobId: $jobId, after: $after) { deviceJobStatistics { runningCount } }
    }`
    await expect(subscribe(unselected, { jobId, after: 3 }).next()).rejects.toThrow('INVALID_CURSOR')
    const updates = subscribe(unselected, { jobId, after: 2 })
    const next = updates.next()
    await until(() => door.server.openStreams() === 1)
    door.deps.events.publish('job', jobId, { jobId })
    await dispatch(door.deps, { jobId, deviceId: 'pump-0001' })
    expect(await next).toEqual({ deviceJobStatistics: { deviceJobStatistics: { runningCount: 1 } } })
  })

  test('of a job that has ended completes, without an update when there is none newer', async () => {
    const jobId = await givenStartedJob()
    await cancelJob(door.deps, tester, jobId)
    const updates = subscribe(query, { jobId, after: 2 })
    expect(await updates.next()).toEqual({ deviceJobStatistics: version(3) })
    expect(await updates.next()).toBe('complete')
    expect(await subscribe(query, { jobId, after: 3 }).next()).toBe('complete')
  })

  test.each([-1, 3, 2_147_483_647])('that the job has not come to (%d) is an error of the request', async (after) => {
    const jobId = await givenStartedJob()
    await expect(subscribe(query, { jobId, after }).next()).rejects.toThrow(
      /the job is at version 2.*"INVALID_CURSOR".*"after"/,
    )
  })
})

describe('jobUpdated', () => {
  const query = 'subscription ($filter: JobFilter) { jobUpdated(filter: $filter) { jobId status } }'
  const listening = () => until(() => door.server.openStreams() === 1)
  const shown = (jobId: string, status: string) => ({ jobUpdated: { jobId, status } })

  test('shows the newest jobs first, the oldest of those first of all, then what appears and changes', async () => {
    const ids: string[] = []
    for (let number = 0; number < 102; number++) {
      clock.advance(1)
      ids.push(await givenMethodJob(door.deps, 'pump', {}, { jobId: `list-${number}` }))
    }
    const updates = subscribe(query, { filter: { jobIdPrefix: 'list-' } })
    for (const jobId of ids.slice(2)) expect(await updates.next()).toEqual(shown(jobId, 'QUEUED'))
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'list-new' })
    expect(await updates.next()).toEqual(shown(jobId, 'QUEUED'))
    await calm()
    await cancelJob(door.deps, tester, jobId)
    expect(await updates.next()).toEqual(shown(jobId, 'CANCELLED'))
  })

  test('shows only what passes the filter', async () => {
    const updates = subscribe(query, { filter: { jobIdPrefix: 'mine-', status: ['QUEUED'] } })
    const first = updates.next()
    await listening()
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'theirs-1' })
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'mine-1' })
    expect(await first).toEqual(shown('mine-1', 'QUEUED'))
  })

  test('shows a job that passes the filter no longer once more, if it was shown', async () => {
    const before = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'drop-before' })
    await start(door.deps, before)
    await calm()
    const updates = subscribe(query, { filter: { jobIdPrefix: 'drop-', status: ['QUEUED'] } })
    const first = updates.next()
    await listening()
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'drop-1' })
    expect(await first).toEqual(shown(jobId, 'QUEUED'))
    await calm()
    await start(door.deps, jobId)
    expect(await updates.next()).toEqual(shown(jobId, 'RUNNING'))
    await calm()
    // Neither of these is news: one has been dropped, the other was never shown.
    await dispatch(door.deps, { jobId, deviceId: 'pump-0001' }, { jobId: before, deviceId: 'pump-0001' })
    await calm()
    const last = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'drop-2' })
    expect(await updates.next()).toEqual(shown(last, 'QUEUED'))
  })

  test('shows a job once more whose labels no longer pass the filter, if it was shown', async () => {
    const label = (value: string) => ({ labels: [{ name: 'team', value }] })
    const updates = subscribe(query, { filter: { labels: [{ name: 'team', value: ['north'] }] } })
    const first = updates.next()
    await listening()
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'labelled-other', ...label('south') })
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'labelled', ...label('north') })
    expect(await first).toEqual(shown(jobId, 'QUEUED'))
    await calm()
    await updateJob(door.deps, tester, { jobId, ...label('south') })
    expect(await updates.next()).toEqual(shown(jobId, 'QUEUED'))
    await calm()
    // No longer news.
    await updateJob(door.deps, tester, { jobId, name: 'Night' })
    await calm()
    await updateJob(door.deps, tester, { jobId: 'labelled-other', ...label('north') })
    expect(await updates.next()).toEqual(shown('labelled-other', 'QUEUED'))
  })

  test('shows nothing twice that has not changed', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'twice-1' })
    await calm()
    const updates = subscribe(query, { filter: { jobIdPrefix: 'twice-' } })
    expect(await updates.next()).toEqual(shown(jobId, 'QUEUED'))
    door.deps.events.publish('anyJob', { jobId })
    await start(door.deps, jobId)
    expect(await updates.next()).toEqual(shown(jobId, 'RUNNING'))
  })

  test('looks at the newest jobs again when events may have been missed', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'missed-1' })
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'missed-2' })
    await calm()
    const updates = subscribe(query, { filter: { jobIdPrefix: 'missed-', status: ['QUEUED'] } })
    await updates.next()
    await updates.next()
    await door.deps.database.pool.query("update job set status = 'scheduled', version = version + 1 where id = $1", [
      jobId,
    ])
    door.deps.events.lookAgain()
    expect(await updates.next()).toEqual(shown(jobId, 'SCHEDULED'))
  })
})

describe('jobChanged', () => {
  const query = `subscription ($filter: JobFilter) {
    jobChanged(filter: $filter) { isNew removedId edge { cursor node { jobId } } job { id jobId } }
  }`

  test('says which jobs are new, where they belong in a list, and which leave it', async () => {
    const known = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'change-1' })
    await calm()
    const updates = subscribe(query, { filter: { jobIdPrefix: 'change-', status: ['QUEUED'] } })
    const next = async () => Object(await updates.next()).jobChanged
    expect(await next()).toMatchObject({ isNew: false, removedId: null, job: { jobId: known } })
    const created = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'change-2' })
    const { isNew, removedId, edge, job } = await next()
    expect({ isNew, removedId, jobId: job.jobId }).toEqual({ isNew: true, removedId: null, jobId: created })
    const { data } = await door.ask(
      `query ($after: String) { jobs(first: 2, after: $after, filter: { jobIdPrefix: "change-" }) { nodes { jobId } } }`,
      { after: edge.cursor },
    )
    expect(edge.node).toEqual({ jobId: created })
    expect(data.jobs).toEqual({ nodes: [{ jobId: known }] })
    await calm()
    await start(door.deps, created)
    expect(await next()).toEqual({ isNew: false, removedId: job.id, edge: null, job })
  })

  test('sends a job once more that has failures although the filter excludes them', async () => {
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'flawless-1' })
    await start(door.deps, jobId)
    await dispatch(door.deps, { jobId, deviceId: 'pump-0001' })
    await calm()
    const updates = subscribe(query, { filter: { jobIdPrefix: 'flawless-', hasFailures: false } })
    expect(await updates.next()).toMatchObject({ jobChanged: { removedId: null, job: { jobId } } })
    await answer(door.deps, { jobId, deviceId: 'pump-0001', error: { code: 'GatewayTimeout', description: 'Late.' } })
    expect(await updates.next()).toMatchObject({ jobChanged: { removedId: expect.any(String), job: { jobId } } })
  })
})

describe('twinUpdated', () => {
  const query = `subscription ($deviceId: String!) {
    twinUpdated(deviceId: $deviceId) { version tags properties { desired { value } reported { value version } } }
  }`

  test('shows the twin as it is, then after each write of a service or the device', async () => {
    const deviceId = await createDevice(door.deps, everything, {
      deviceId: 'twin-1',
      twin: { tags: { site: 'north' } },
    })
    const updates = subscribe(query, { deviceId })
    expect(await updates.next()).toMatchObject({ twinUpdated: { version: 1, tags: { site: 'north' } } })
    await patchTwin(door.deps, everything, { deviceId, ifMatch: '*', patch: { desired: { speed: 3 } } })
    expect(await updates.next()).toMatchObject({
      twinUpdated: { version: 2, properties: { desired: { value: { speed: 3 } } } },
    })
    await reportProperties(door.deps, deviceId, { speed: 2 })
    expect(await updates.next()).toMatchObject({
      twinUpdated: { version: 3, properties: { reported: { value: { speed: 2 }, version: 2 } } },
    })
  })

  test('shows nothing twice, and no older version after a newer one', async () => {
    const deviceId = await createDevice(door.deps, everything, { deviceId: 'twin-2' })
    const updates = subscribe(query, { deviceId })
    await updates.next()
    door.deps.events.publish('twin', deviceId, { deviceId })
    await reportProperties(door.deps, deviceId, { speed: 1 })
    expect(await updates.next()).toMatchObject({ twinUpdated: { version: 2 } })
  })

  test('of a device that is deleted is over at once', async () => {
    const deviceId = await createDevice(door.deps, everything, { deviceId: 'twin-3' })
    const updates = subscribe(query, { deviceId })
    await updates.next()
    await deleteDevice(door.deps, everything, { deviceId, ifMatch: '*' })
    expect(await updates.next()).toBe('complete')
  })

  test('goes on while the identity of its device changes, and those of others are deleted', async () => {
    const deviceId = await createDevice(door.deps, everything, { deviceId: 'twin-4' })
    const other = await createDevice(door.deps, everything, { deviceId: 'twin-4-other' })
    const updates = subscribe(query, { deviceId })
    await updates.next()
    await updateDevice(door.deps, everything, { deviceId, ifMatch: '*', status: 'disabled' })
    await deleteDevice(door.deps, everything, { deviceId: other, ifMatch: '*' })
    await reportProperties(door.deps, deviceId, { speed: 1 })
    expect(await updates.next()).toMatchObject({ twinUpdated: { version: 2 } })
  })

  test('never goes on with another device of the same name, whatever the version of its twin', async () => {
    const deviceId = await createDevice(door.deps, everything, { deviceId: 'twin-5' })
    const updates = subscribe(query, { deviceId })
    expect(await updates.next()).toMatchObject({ twinUpdated: { version: 1 } })
    // As another instance would do it: nothing is heard of it here.
    await door.deps.database.pool.query('delete from device where id = $1', [deviceId])
    await createDevice(door.deps, everything, { deviceId })
    await reportProperties(door.deps, deviceId, { speed: 1 })
    expect(await updates.next()).toBe('complete')
  })

  test('of an unknown device is an error of the request', async () => {
    await expect(subscribe(query, { deviceId: 'nobody' }).next()).rejects.toThrow('NOT_FOUND')
  })
})

describe('a client that leaves', () => {
  const query = 'subscription { jobUpdated { jobId } }'

  test('takes its subscription with it, also while nothing happens', async () => {
    const updates = subscribe(query)
    const first = updates.next()
    await until(() => door.server.openStreams() === 1)
    await updates.leave()
    await until(() => door.server.openStreams() === 0)
    expect(await first).toBe('complete')
  })

  test('takes its subscription over HTTP with it', async () => {
    const gone = new AbortController()
    const response = await fetch(port.url.replace('ws', 'http'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
      signal: gone.signal,
    })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    await until(() => door.server.openStreams() === 1)
    gone.abort()
    await until(() => door.server.openStreams() === 0)
  })

  test.each(['WebSocket', 'HTTP'])('while its first rows are read leaves nothing behind, over %s', async (way) => {
    const statement = vi.spyOn(pg.Client.prototype, 'query')
    const holder = await door.deps.database.pool.connect()
    try {
      await holder.query('begin')
      await holder.query('lock table job in access exclusive mode')
      statement.mockClear()
      const gone = new AbortController()
      const updates = way === 'WebSocket' ? subscribe(query) : undefined
      const next = updates?.next()
      const response =
        way === 'HTTP'
          ? fetch(port.url.replace('ws', 'http'), {
              method: 'POST',
              headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
              body: JSON.stringify({ query }),
              signal: gone.signal,
            })
          : undefined
      await until(() => door.server.openStreams() === 1 && statement.mock.calls.length > 0)
      gone.abort()
      await Promise.all([updates?.leave(), response?.catch(() => {})])
      if (way === 'HTTP') await until(() => port.connections.at(-1)?.destroyed === true)
      else await new Promise((resolve) => setImmediate(resolve))
      await holder.query('rollback')
      await expect.poll(() => door.server.openStreams()).toBe(0)
      expect(await next).toBe(way === 'WebSocket' ? 'complete' : undefined)
    } finally {
      holder.release(true)
      statement.mockRestore()
    }
  })
})

describe('an event stream', () => {
  const ended = 'subscription ($jobId: String!) { deviceJobEnded(jobId: $jobId) { deviceJobs { deviceId } } }'
  const statistics = 'subscription ($jobId: String!) { deviceJobStatistics(jobId: $jobId) { job { status } } }'
  /** The whole stream, by GET like an `EventSource`: the id and the data of each event. */
  const read = async (query: string, variables: object, lastEventId?: string) => {
    const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) })
    const headers = { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) }
    const response = await fetch(`${port.url.replace('ws', 'http')}?${parameters}`, { headers })
    return (await response.text())
      .split('\n\n')
      .filter((event) => event.startsWith('event: next'))
      .map((event) => ({ id: /^id: (.*)$/m.exec(event)?.[1], ...JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') }))
  }
  const idsIn = (events: Awaited<ReturnType<typeof read>>): string[] =>
    events.flatMap(({ data }) => data.deviceJobEnded.deviceJobs.map(({ deviceId }: { deviceId: string }) => deviceId))

  test('of ended device jobs continues after the event that the client names, without a variable for it', async () => {
    const jobId = await givenStartedJob()
    const keys = ['pump-0002', 'pump-0001', 'pump-0003'].map((deviceId) => ({ jobId, deviceId }))
    await dispatch(door.deps, ...keys)
    const response = { status: 200, payload: 'null' }
    for (const key of keys) await answer(door.deps, { ...key, response })
    await finish(door.deps)
    const all = await read(ended, { jobId })
    expect(idsIn(all)).toEqual(['pump-0002', 'pump-0001', 'pump-0003'])
    const [first] = await read(ended.replace('deviceJobs {', 'cursor deviceJobs {'), { jobId })
    expect(first.id).toBe(first.data.deviceJobEnded.cursor)
    expect(await read(ended, { jobId }, all.at(-1)?.id)).toEqual([])
    const otherJob = await read(ended, { jobId: await givenStartedJob() }, first.id)
    expect(otherJob).toMatchObject([{ errors: [{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }] }])
  })

  test('of statistics continues after the event that the client names', async () => {
    const jobId = await givenStartedJob()
    await cancelJob(door.deps, tester, jobId)
    const [last] = await read(statistics, { jobId })
    expect(last).toEqual({ id: expect.stringMatching(/^\d+$/), data: expect.anything() })
    expect(await read(statistics, { jobId }, String(Number(last.id) - 1))).toEqual([last])
    expect(await read(statistics, { jobId }, last.id)).toEqual([])
    for (const wrong of ['x', '-1', String(Number(last.id) + 1)]) {
      expect(await read(statistics, { jobId }, wrong)).toMatchObject([
        { id: undefined, errors: [{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }] },
      ])
    }
  })

  test('without positions has no ids, and begins with the present state', async () => {
    const gone = new AbortController()
    const response = await fetch(port.url.replace('ws', 'http'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'last-event-id': '7' },
      body: JSON.stringify({ query: 'subscription { devicePresenceChanged { initial devices { deviceId } } }' }),
      signal: gone.signal,
    })
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('event: next') && text.endsWith('}\n\n')) break
    }
    expect(text).toContain('"initial":true')
    expect(text).not.toMatch(/^id:/m)
    gone.abort()
    await until(() => door.server.openStreams() === 0)
  })
})
