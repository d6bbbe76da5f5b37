import { afterEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createBulkWrite } from '../../src/database/bulk-writes.ts'
import { LimitExceededError } from '../../src/errors.ts'
import type { Limits } from '../../src/limits/limits.ts'
import { startScheduler } from '../../src/scheduler/scheduler.ts'
import { openDoor as openGraphql } from '../graphql/door.ts'
import { openDoor as openRest } from '../rest/door.ts'
import { createTestClock } from '../support/clock.ts'
import { testLimits } from '../support/database.ts'
import type { TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, givenPresent } from '../support/rows.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const graphql = async () => {
  const door = await openGraphql()
  closers.push(door.close)
  const create = (deviceId: string) =>
    door.ask('mutation ($id: String!) { createDevices(input: { devices: [{ deviceId: $id }] }) { __typename } }', {
      id: deviceId,
    })
  return { deps: door.deps, create }
}
const rest = async () => {
  const door = await openRest()
  closers.push(door.close)
  const create = (id: string) => door.ask('POST /devices', { body: [{ id, importMode: 'create' }] })
  return { deps: door.deps, create }
}

/** Keeps every new device waiting until the result is called. */
async function holdNewDevices({ database }: TestDeps): Promise<() => Promise<void>> {
  const client = await database.pool.connect()
  await client.query('begin; lock table device in share row exclusive mode')
  let released: Promise<unknown> | undefined
  const release = async (): Promise<void> => {
    released ??= client.query('rollback').then(() => client.release())
    await released
  }
  closers.push(release)
  return release
}

const waitingWrites = async ({ database }: TestDeps): Promise<number> => {
  const { rows } = await database.pool.query<{ count: number }>(
    "select count(*)::integer as count from pg_locks where not granted and relation = 'device'::regclass",
  )
  return rows[0]?.count ?? 0
}

test.each([
  ['createDevices', graphql],
  ['POST /devices', rest],
])('while 20 requests of %s run, a job still starts and its call leaves', async (_name, open) => {
  const { deps, create } = await open()
  const [deviceId = ''] = await givenDevices(deps, 'pump', 1)
  await givenPresent(deps, [deviceId])
  const ended: string[] = []
  const called = new Promise<void>((resolve) => {
    const detach = deps.attached.attach(deviceId, () => {
      ended.push('call')
      resolve()
    })
    closers.push(detach)
  })
  const scheduler = await startScheduler(deps, {
    maxRunning: 10,
    windowSize: 100,
    historyDays: 30,
    auditDays: 90,
    authorityOf: async () => undefined,
  })
  closers.push(() => scheduler.stop(0))

  const release = await holdNewDevices(deps)
  const requests = Array.from({ length: 20 }, async (_, index) => {
    const { status } = await create(`new-${index}`)
    ended.push('request')
    return status
  })
  await expect.poll(() => waitingWrites(deps)).toBeGreaterThanOrEqual(2)
  const job = givenMethodJob(deps, 'pump')
  // Without turns, the requests have all connections until they give up.
  await Promise.race([called, ...requests])
  expect(ended).toEqual(['call'])
  await release()
  await job
  expect(await Promise.all(requests)).toEqual(requests.map(() => 200))
  const { rows } = await deps.database.pool.query("select from device where id like 'new-%'")
  expect(rows).toHaveLength(20)
})

/** Bulk writes of `a`, `b` and so on, each of which lasts until it is ended. */
function given(limits: Partial<Limits>, clock: Clock = systemClock) {
  const bulkWrite = createBulkWrite({ ...testLimits, ...limits }, clock)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (name: string, signal?: AbortSignal) =>
    bulkWrite({ caller: name.slice(0, 1), ...(signal && { signal }) }, () => {
      begun.push(name)
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
    })
  return { ask, begun, end: (name: string) => ends.get(name)?.() }
}

test('bulk writes have half of the connections, and one caller a quarter of them', async () => {
  const { ask, begun, end } = given({ databaseConnections: 8, queriesWaiting: 10 })
  const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((name) => ask(name))
  expect(begun).toEqual(['a1', 'a2', 'b1', 'b2'])
  end('a1')
  await all[0]
  expect(begun).toEqual(['a1', 'a2', 'b1', 'b2', 'c1'])
  for (const name of ['a2', 'b1', 'b2', 'c1']) end(name)
  await Promise.all([all[1], all[3]])
  end('a3')
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'c1'])
})

test('a bulk write is refused without effect when too many of its caller wait, and when its client has left', async () => {
  const { ask, begun, end } = given({ databaseConnections: 2, queriesWaiting: 1 })
  const first = ask('a1')
  const left = new AbortController()
  const second = ask('a2', left.signal)
  await expect(ask('a3')).rejects.toThrow(LimitExceededError)
  left.abort()
  await expect(second).rejects.toThrow(LimitExceededError)
  end('a1')
  expect(await first).toBe('a1')
  expect(begun).toEqual(['a1'])
})

test('heavy bulk writes of a caller wait for its budget', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = given({ databaseConnections: 8, heavyWork: 500 }, clock)
  const first = ask('a1')
  clock.advance(1_000)
  end('a1')
  await first
  const all = [ask('a2'), ask('b1')]
  expect(begun).toEqual(['a1', 'b1'])
  clock.advance(1_000)
  await clock.giveWay()
  expect(begun).toEqual(['a1', 'b1', 'a2'])
  end('a2')
  end('b1')
  await Promise.all(all)
})
