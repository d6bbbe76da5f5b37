import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { holdLease, type KeptLease, takeLeaseForGood } from '../../src/database/instance-lease.ts'
import { DatabaseUnavailableError } from '../../src/database/outage.ts'
import { serversOf } from '../../src/database/servers.ts'
import type { Deps } from '../../src/deps.ts'
import { createEvents } from '../../src/events/events.ts'
import { expireDeviceJobs } from '../../src/scheduler/expire-device-jobs.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { createInFlightCalls } from '../../src/scheduler/in-flight-calls.ts'
import { createOrphanCandidates } from '../../src/scheduler/orphan-candidates.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { type CountedDb, countedDb } from '../support/counted-db.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent } from '../support/rows.ts'

/** An instance among several: what it was sent through, and what it asks of the database. */
type Member = TestInstance & {
  readonly deps: Deps
  readonly db: CountedDb
  readonly received: MethodRequest[]
  /** A device connects to it. */
  attach(deviceId: string): Promise<void>
  /** It learns that it has to clear up after another. */
  heir(): void
}

let base: TestDeps
let clock: TestClock
let ids: string[]
const members: Member[] = []

beforeAll(async () => {
  clock = createTestClock()
  base = await createTestDeps(clock)
  ids = await givenDevices(base, 'pump', 5)
})
afterAll(() => base.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await base.database.pool.query(`delete from ${table}`)
  }
})
afterEach(async () => {
  for (const { stop } of members.splice(0)) await stop()
})

/** One more instance, which has done what it does at its start. */
async function join(changed: Partial<Deps> = {}): Promise<Member> {
  const db = countedDb(changed.db ?? base.db)
  const deps = {
    ...base,
    events: createEvents(clock),
    attached: createAttachedDevices(),
    lease: await takeLeaseForGood(base.db),
    ...changed,
    db,
  }
  const received: MethodRequest[] = []
  const instance = await createInstance(deps)
  const member: Member = {
    ...instance,
    deps,
    db,
    received,
    attach: async (deviceId) => {
      await givenPresent({ ...base, lease: deps.lease }, [deviceId])
      deps.attached.attach(deviceId, (request) => received.push(request))
    },
    heir: () => deps.events.publish('died', {}),
  }
  await member.expire()
  members.push(member)
  return member
}

async function startJob(call: Readonly<Record<string, unknown>> = {}, fleet = 'pump'): Promise<string> {
  const jobId = await givenMethodJob(base, fleet, { responseTimeoutInSeconds: 10, ...call })
  await startDueJobs(base, { maxRunning: 10 }).run(clock.now())
  return jobId
}

const failures = async (): Promise<string[]> => {
  const { rows } = await base.database.pool.query(
    "select device_id from device_job_outcome where error_code = 'OutcomeUnknown' order by device_id",
  )
  return rows.map(({ device_id }) => device_id)
}

/** The first statement succeeds, and its commit too, but its answer does not arrive. */
const deafToCommit = (autocommit: Deps['db']['autocommit']): Deps['db']['autocommit'] => {
  let isFirst = true
  return async (work) => {
    const result = await autocommit(work)
    if (!isFirst) return result
    isFirst = false
    throw new DatabaseUnavailableError()
  }
}

test('an instance that does not clean up after others reads the calls of none of them', async () => {
  await givenDevices(base, 'left', 1)
  const dead = await join()
  await dead.attach('left-0001')
  await startJob({}, 'left')
  await dead.dispatch()
  const orphans = createOrphanCandidates()
  const window = createInFlightCalls(1, () => {})
  const events = createEvents(clock)
  const step = expireDeviceJobs({ ...base, events }, { window, orphans, cleansUp: false })
  await step.run(clock.now())
  events.publish('died', {})
  await step.run(clock.now())
  expect(orphans.size).toBe(0)
  step.close()
  const heir = await join()
  expect(heir.orphans.size).toBe(1)
})

test('two instances ask nothing about calls under way while nothing happens', async () => {
  await givenDevices(base, 'idle', 1_000)
  const [one, other] = [await join(), await join()]
  await one.attach('idle-0001')
  await startJob({ responseTimeoutInSeconds: 300 }, 'idle')
  for (const { dispatch, expire } of [one, other]) {
    await dispatch()
    await expire()
  }
  expect(one.received).toHaveLength(1)
  const asked = [one, other].map(({ db }) => db.asked.statements)
  const finishing = [one, other].map(({ deps }) => finishJobs(deps))
  for (let second = 0; second < 60; second++) {
    clock.advance(1_000)
    for (const { expire } of [one, other]) await expire()
    if (second % 5 > 0) continue
    for (const { dispatch } of [one, other]) await dispatch()
    for (const step of finishing) await step.run(clock.now())
  }
  // A minute, each 5 seconds: jobs that wait, jobs with connect timeouts, jobs that end, and when the next one does.
  expect([one, other].map(({ db }, index) => db.asked.statements - (asked[index] ?? 0))).toEqual([48, 48])
})

test('a connect timeout is known of from the start of its job on, and kept to the second', async () => {
  const instance = await join()
  const job = await startJob({ connectTimeoutInSeconds: 7 })
  instance.deps.events.publish('work', 'started', {})
  await instance.expire()
  const { statements } = instance.db.asked
  clock.advance(1_000)
  await instance.expire()
  expect(instance.db.asked.statements).toBe(statements)
  clock.advance(4_000)
  await instance.expire()
  clock.advance(1_999)
  await instance.expire()
  expect(await counters(base, job)).toContain('5 pending')
  clock.advance(1)
  await instance.expire()
  expect(await counters(base, job)).toContain('5 failed')
})

test('of several instances the one that clears up after a dead one fails its calls, and only when they are due', async () => {
  const [dead, heir, other] = [await join(), await join(), await join()]
  await dead.attach('pump-0001')
  const job = await startJob()
  await dead.dispatch()
  heir.heir()
  await heir.expire()
  // An instance that is alive has two seconds to end its own calls.
  clock.advance(11_999)
  await heir.expire()
  expect(await failures()).toEqual([])
  clock.advance(1)
  await other.expire()
  expect(await failures()).toEqual([])
  await heir.expire()
  expect(await failures()).toEqual(['pump-0001'])
  expect(await counters(base, job)).toBe('running: 4 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
  expect(heir.orphans.size).toBe(0)
})

test('calls of a dead instance that have been due for long fail at once', async () => {
  const [dead, heir] = [await join(), await join()]
  await dead.attach('pump-0001')
  await startJob()
  await dead.dispatch()
  clock.advance(60_000)
  heir.heir()
  await heir.expire()
  expect(await failures()).toEqual(['pump-0001'])
})

test('so does an instance that starts', async () => {
  const dead = await join()
  await dead.attach('pump-0001')
  await startJob()
  await dead.dispatch()
  const next = await join()
  clock.advance(12_000)
  await next.expire()
  expect(await failures()).toEqual(['pump-0001'])
})

test('who dies after it has taken calls over leaves them to the next', async () => {
  const [dead, heir, last] = [await join(), await join(), await join()]
  await dead.attach('pump-0001')
  await startJob()
  await dead.dispatch()
  heir.heir()
  await heir.expire()
  last.heir()
  await last.expire()
  clock.advance(12_000)
  await last.expire()
  expect(await failures()).toEqual(['pump-0001'])
})

test('calls of the living that were taken for those of the dead end as their instances say, whoever looks first', async () => {
  const [living, heir] = [await join(), await join()]
  for (const id of ids) await living.attach(id)
  const job = await startJob()
  await living.dispatch()
  heir.heir()
  await heir.expire()
  for (const request of living.received.slice(0, 3)) living.answer(request)
  await living.settled()
  clock.advance(10_000)
  await heir.expire()
  await living.expire()
  expect(await counters(base, job)).toBe('running: 0 pending, 0 running, 3 succeeded, 2 failed, 0 canceled')
  expect(await failures()).toEqual([])
  clock.advance(2_000)
  await heir.expire()
  expect(heir.orphans.size).toBe(0)
})

test('a call that was taken back and sent anew has the time of the new one', async () => {
  const heir = await join()
  const attached = createAttachedDevices()
  let leave: (() => void) | undefined
  const moody = await join({
    attached: {
      ...attached,
      // The device goes in the moment of its turn.
      deliver: (request) => {
        leave?.()
        leave = undefined
        return attached.deliver(request)
      },
    },
    db: {
      ...base.db,
      async autocommit(work) {
        const result = await base.db.autocommit(work)
        // Between the mark and its end the other reads it.
        if (leave !== undefined) {
          heir.heir()
          await heir.expire()
        }
        return result
      },
    },
  })
  await moody.attach('pump-0001')
  leave = attached.attach('pump-0001', () => {})
  const job = await startJob()
  await moody.dispatch()
  expect(heir.orphans.size).toBe(1)
  expect(await counters(base, job)).toContain('5 pending')
  clock.advance(6_000)
  await moody.attach('pump-0001')
  await moody.dispatch()
  expect(moody.received).toHaveLength(1)
  clock.advance(4_000)
  await heir.expire()
  expect(await failures()).toEqual([])
  clock.advance(7_999)
  await heir.expire()
  expect(await failures()).toEqual([])
  clock.advance(1)
  await heir.expire()
  expect(await failures()).toEqual(['pump-0001'])
})

test('calls of whose marks it is not known whether they were committed fail in time, without a look at others', async () => {
  const deaf = await join({ db: { ...base.db, autocommit: deafToCommit(base.db.autocommit) } })
  for (const id of ids) await deaf.attach(id)
  const job = await startJob()
  await expect(deaf.dispatch()).rejects.toThrow(DatabaseUnavailableError)
  await deaf.dispatch()
  expect(deaf.received).toEqual([])
  clock.advance(10_000)
  await deaf.expire()
  expect(await failures()).toEqual(ids)
  expect(await counters(base, job)).toBe('running: 0 pending, 0 running, 0 succeeded, 5 failed, 0 canceled')
})

test('marks that were not committed leave nothing behind', async () => {
  let fails = true
  const unlucky = await join({
    db: {
      ...base.db,
      autocommit: (work) => (fails ? Promise.reject(new DatabaseUnavailableError()) : base.db.autocommit(work)),
    },
  })
  await unlucky.attach('pump-0001')
  const job = await startJob()
  await expect(unlucky.dispatch()).rejects.toThrow(DatabaseUnavailableError)
  fails = false
  await unlucky.dispatch()
  expect(unlucky.received).toHaveLength(1)
  for (const request of unlucky.received) unlucky.answer(request)
  await unlucky.settled()
  clock.advance(10_000)
  await unlucky.expire()
  expect(await counters(base, job)).toContain('1 succeeded, 0 failed')
  expect(unlucky.orphans.size).toBe(0)
})

test('a call that could not leave, and whose mark could not be taken back, fails in time', async () => {
  let transactions = 0
  const attached = createAttachedDevices()
  const unlucky = await join({
    attached: { ...attached, deliver: () => false },
    db: {
      ...base.db,
      transaction: (work, longest) =>
        ++transactions === 1 ? Promise.reject(new DatabaseUnavailableError()) : base.db.transaction(work, longest),
    },
  })
  await unlucky.attach('pump-0001')
  await startJob()
  await expect(unlucky.dispatch()).rejects.toThrow(DatabaseUnavailableError)
  clock.advance(10_000)
  await unlucky.expire()
  expect(await failures()).toEqual(['pump-0001'])
})

test('marks that could not be read are read at the next look', async () => {
  const dead = await join()
  let failuresLeft = 1
  const heir = await join({
    db: {
      ...base.db,
      query: (sql, name) =>
        name === 'find-under-way' && failuresLeft-- > 0
          ? Promise.reject(new Error('not now'))
          : base.db.query(sql, name),
    },
  })
  await dead.attach('pump-0001')
  await startJob()
  await dead.dispatch()
  heir.heir()
  await heir.expire()
  expect(failuresLeft).toBe(0)
  clock.advance(200) // the longest first rest of a job
  await heir.expire()
  clock.advance(12_000)
  await heir.expire()
  expect(await failures()).toEqual(['pump-0001'])
})

test('whoever declares an instance dead waits for the marks that it is committing', async () => {
  const heir = await join()
  const leaseClock = createTestClock()
  let lease: KeptLease | undefined
  let cleared = false
  /** While the marks are written and not committed, their instance's lease ends, and another takes it for dead. */
  const meanwhile = async (instanceId: string): Promise<void> => {
    await base.database.pool.query("update instance set lease_until = now() - interval '1 second' where id = $1", [
      instanceId,
    ])
    lease = await holdLease(
      { servers: serversOf(base.database.url), clock: leaseClock, ms: 60_000, onError: () => {} },
      {
        clear: async () => {
          heir.heir()
          await heir.expire()
          cleared = true
        },
        seen: () => {},
        clockJudged: () => {},
        returned: () => {},
        stranded: () => {},
      },
    )
    const isWaiting = async (): Promise<boolean> => {
      const { rowCount } = await base.database.pool.query(
        `select from pg_stat_activity
         where datname = current_database() and application_name = 'twincast lease' and wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    }
    await expect.poll(async () => cleared || (await isWaiting())).toBe(true)
    expect(cleared).toBe(false)
  }
  const dying: Member = await join({
    db: {
      ...base.db,
      autocommit: (work) =>
        base.db.transaction(async (tx) => {
          const result = await work(tx)
          await meanwhile(dying.deps.lease.instanceId)
          return result
        }),
    },
  })
  await dying.attach('pump-0001')
  await startJob()
  await dying.dispatch()
  await expect.poll(() => cleared).toBe(true)
  clock.advance(12_000)
  await heir.expire()
  expect(await failures()).toEqual(['pump-0001'])
  await lease?.leave()
})
