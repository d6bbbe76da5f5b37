import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { holdLease, type KeptLease, type OtherInstance } from '../../src/database/instance-lease.ts'
import { serversOf } from '../../src/database/servers.ts'
import { type InstanceRole, instanceRoles } from '../../src/instance-roles.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const ms = 6_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

type Process = {
  readonly lease: KeptLease
  readonly clock: TestClock
  /** Milliseconds by which the clock of its machine is ahead of that of the database. */
  ahead: number
  /** What happened, in order: the ids it cleared up after, and words. */
  readonly seen: string[]
  readonly errors: unknown[]
  /** The other living instances, as it read them last. */
  others(): readonly OtherInstance[]
  /** Between it and the database. */
  readonly proxy: TcpProxy
  /** Lets it renew its lease. */
  renew(): Promise<void>
}
const processes: Process[] = []
afterEach(async () => {
  for (const { lease, proxy } of processes.splice(0)) {
    await lease.leave()
    await proxy.close()
  }
  await database.pool.query('delete from instance')
})

async function startProcess(
  clear: (id: string) => Promise<void> = async () => {},
  roles: readonly InstanceRole[] = instanceRoles,
): Promise<Process> {
  const clock = createTestClock()
  const seen: string[] = []
  const errors: unknown[] = []
  let others: readonly OtherInstance[] = []
  const url = new URL(database.url)
  const proxy = await openTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const machine = { ahead: 0 }
  const machineClock = { now: () => new Date(Date.now() + machine.ahead) }
  const lease = await holdLease(
    { servers: serversOf(url.href), clock, machineClock, ms, roles, onError: (error) => errors.push(error) },
    {
      clear: async (id) => {
        await clear(id)
        seen.push(id)
      },
      seen: (living) => {
        others = living
      },
      clockJudged: (isRight) => seen.push(`clock ${isRight ? 'right' : 'wrong'}`),
      returned: () => seen.push('returned'),
      stranded: () => seen.push('stranded'),
    },
  )
  const renew = async (): Promise<void> => {
    await clock.asleep()
    clock.advance(ms / 3)
    await clock.asleep()
  }
  const started = Object.assign(machine, { lease, clock, seen, errors, proxy, renew, others: () => others })
  processes.push(started)
  return started
}

const rows = async (): Promise<{ id: string; alive: boolean }[]> => {
  const found = await database.pool.query('select id, lease_until > now() as alive from instance')
  return found.rows
}
/** What would be there when so much of PostgreSQL's time had passed without a renewal. */
const lapse = ({ lease }: Process) =>
  database.pool.query("update instance set lease_until = now() - interval '1 second' where id = $1", [lease.instanceId])

test('an instance is alive while it renews its lease, and not after it has left', async () => {
  const one = await startProcess()
  expect(await rows()).toEqual([{ id: one.lease.instanceId, alive: true }])
  await lapse(one)
  await one.renew()
  expect(await rows()).toEqual([{ id: one.lease.instanceId, alive: true }])
  await one.lease.leave()
  expect(await rows()).toEqual([{ id: one.lease.instanceId, alive: false }])
  expect(one.seen).toEqual([])
})

test('it does not count on its lease for longer than it was last renewed for', async () => {
  const one = await startProcess()
  await one.proxy.become('refuse')
  one.clock.advance(ms * 0.89)
  expect(one.lease.holds()).toBe(true)
  one.clock.advance(ms * 0.02)
  expect(one.lease.holds()).toBe(false)
  await expect.poll(() => one.errors.length).toBeGreaterThan(0)
  await one.proxy.become('forward')
  await expect
    .poll(async () => {
      await one.renew()
      return one.lease.holds()
    })
    .toBe(true)
  expect(one.seen).toEqual(['returned'])
  expect((await rows()).map(({ id }) => id)).toEqual([one.lease.instanceId])
})

test('who dies is cleared up after by one of the others, until that has succeeded', async () => {
  let failures = 1
  const clear = async (): Promise<void> => {
    if (failures-- > 0) throw new Error('not now')
  }
  const [one, other, dead] = [await startProcess(clear), await startProcess(clear), await startProcess()]
  const { instanceId } = dead.lease
  await lapse(dead)
  await expect
    .poll(async () => {
      await Promise.all([one.renew(), other.renew()])
      return [...one.seen, ...other.seen]
    })
    .toEqual([instanceId])
  await expect.poll(async () => (await rows()).map(({ id }) => id)).not.toContain(instanceId)
  expect([...one.errors, ...other.errors]).toHaveLength(1)
})

test('each learns which roles the living others have', async () => {
  const gateway = await startProcess(undefined, ['gateway'])
  expect(gateway.others()).toEqual([])
  const worker = await startProcess(undefined, ['api', 'worker'])
  expect(worker.others()).toEqual([{ id: gateway.lease.instanceId, roles: ['gateway'], demand: {}, hints: 0 }])
  await gateway.renew()
  await expect.poll(gateway.others).toMatchObject([{ id: worker.lease.instanceId, roles: ['api', 'worker'] }])
  await worker.lease.leave()
  await gateway.renew()
  await expect.poll(gateway.others).toEqual([])
})

test('only workers clean up while one is alive', async () => {
  const [gateway, worker] = [await startProcess(undefined, ['gateway']), await startProcess(undefined, ['worker'])]
  const dead = await startProcess()
  const { instanceId } = dead.lease
  await lapse(dead)
  await gateway.renew()
  await expect.poll(gateway.others).toMatchObject([{ roles: ['worker'] }])
  expect((await rows()).map(({ id }) => id)).toContain(instanceId)
  await worker.renew()
  await expect.poll(() => worker.seen).toEqual([instanceId])
  await expect.poll(async () => (await rows()).map(({ id }) => id)).not.toContain(instanceId)
  expect(gateway.seen).toEqual([])
})

test('while no worker is alive another instance cleans up, once, and the next worker does so again', async () => {
  const [gateway, dead] = [await startProcess(undefined, ['gateway']), await startProcess()]
  const { instanceId } = dead.lease
  await lapse(dead)
  await gateway.renew()
  await expect.poll(() => gateway.seen).toEqual([instanceId])
  await gateway.renew()
  await gateway.lease.leave() // when it has done what it had begun
  expect(gateway.seen).toEqual([instanceId])
  expect((await rows()).map(({ id }) => id)).toContain(instanceId)
  const worker = await startProcess(undefined, ['worker'])
  await expect.poll(() => worker.seen).toContain(instanceId)
  await expect.poll(async () => (await rows()).map(({ id }) => id)).not.toContain(instanceId)
})

test('who is taken for dead while it clears up does not forget whom it cleared up after', async () => {
  let clears = 0
  const one: Process = await startProcess(async () => {
    const { instanceId } = one.lease
    if (clears++ > 0) return
    await database.pool.query("update instance set lease_until = '-infinity' where id = $1", [instanceId])
  })
  const dead = await startProcess()
  const { instanceId } = dead.lease
  await lapse(dead)
  await expect
    .poll(async () => {
      await one.renew()
      return one.seen.filter((seen) => seen === instanceId).length
    })
    .toBe(2)
  await expect.poll(async () => (await rows()).map(({ id }) => id)).toEqual([one.lease.instanceId])
})

test('who was taken for dead joins again by another name, and the old name stays dead', async () => {
  const [one, frozen] = [await startProcess(), await startProcess()]
  const { instanceId } = frozen.lease
  await lapse(frozen)
  await one.renew()
  await expect.poll(() => one.seen).toEqual([instanceId])
  await frozen.renew()
  await expect.poll(() => frozen.seen).toEqual(['returned'])
  expect(frozen.lease.instanceId).not.toBe(instanceId)
  expect(frozen.lease.holds()).toBe(true)
  await expect.poll(async () => (await rows()).map(({ alive }) => alive)).toEqual([true, true])
})

test('who cannot reach the database is told so when others may have taken over, and only when there were others', async () => {
  const alone = await startProcess()
  await alone.renew()
  await alone.proxy.become('refuse')
  await alone.renew()
  alone.clock.advance(3 * ms)
  await expect.poll(() => alone.errors.length).toBeGreaterThan(1)
  expect(alone.seen).toEqual([])
  await alone.proxy.become('forward')
  await alone.renew()
  await expect.poll(() => alone.seen).toEqual(['returned'])

  await startProcess()
  await alone.renew()
  await alone.proxy.become('refuse')
  await alone.renew()
  alone.clock.advance(2 * ms)
  await expect.poll(() => alone.seen).toEqual(['returned', 'stranded'])
})

test.each([
  ['ahead of', 5_000],
  ['behind', -5_000],
])(
  'an instance knows at its next renewal that its clock is %s that of the database, and that it is right again',
  async (_where, ahead) => {
    const one = await startProcess()
    await one.renew()
    expect(one.lease.isClockRight()).toBe(true)
    one.ahead = ahead
    await one.renew()
    await expect.poll(() => one.lease.isClockRight()).toBe(false)
    expect(one.lease.clockDifference() / ahead).toBeCloseTo(-1, 1)
    await one.renew()
    one.ahead = 0
    await one.renew()
    await expect.poll(() => one.lease.isClockRight()).toBe(true)
    expect(one.seen).toEqual(['clock wrong', 'clock right'])
    expect(one.lease.holds()).toBe(true)
  },
)
