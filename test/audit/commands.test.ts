import { sqltag as sql } from '@prisma/client/runtime/client'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Actor } from '../../src/actor.ts'
import { audited, noteKeysRead } from '../../src/audit/commands.ts'
import type { AuditAttempt, AuditEnd } from '../../src/audit/entry.ts'
import { inTransaction, undoneOnFailure } from '../../src/database/client.ts'
import { createDevice, createDevices } from '../../src/device/commands.ts'
import { scheduleJob } from '../../src/job/commands.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { countedDb } from '../support/counted-db.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let clock: TestClock
let deps: TestDeps
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(() => deps.db.prisma.auditEntry.deleteMany())

const actor: Actor = { kind: 'person', id: 'issuer|anna', name: 'Anna', issuer: 'issuer', subject: 'anna' }
const attempt: AuditAttempt = { actor, address: '192.0.2.1', operation: 'test', target: 'thing', detail: null }
const givenJob: JobRequestInput = {
  jobId: 'job',
  type: 'scheduleUpdateTwin',
  queryCondition: '*',
  updateTwin: { tags: { a: 1 } },
}
const refused: AuditEnd = { outcome: 'refused', code: 'CONFLICT' }
const denied: AuditEnd = { outcome: 'denied', code: 'FORBIDDEN' }
const entries = () => deps.db.prisma.auditEntry.findMany({ orderBy: { key: 'asc' } })

describe('an operation with a transaction', () => {
  test('has its entry when the transaction is committed, once, however many transactions follow', async () => {
    const { deps: followed, end } = audited(deps, attempt)
    await createDevice(followed, everything, { deviceId: 'one' })
    await createDevice(followed, everything, { deviceId: 'two' })
    await end()
    expect(await entries()).toMatchObject([
      {
        time: clock.now(),
        actor: 'Anna',
        actorId: 'issuer|anna',
        actorKind: 'person',
        issuer: 'issuer',
        subject: 'anna',
        operation: 'test',
        target: 'thing',
        address: '192.0.2.1',
        outcome: 'succeeded',
        code: null,
        detail: null,
      },
    ])
  })

  test('has no entry of a success when the transaction is rolled back', async () => {
    const { deps: followed, end } = audited(deps, attempt)
    const work = inTransaction(followed, async () => {
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await entries()).toEqual([])
    await end(refused)
    expect(await entries()).toMatchObject([{ outcome: 'refused', code: 'CONFLICT' }])
  })

  test('that creates no device has no entry of a success at any time', async () => {
    await createDevice(deps, everything, { deviceId: 'taken' })
    const { deps: followed, end } = audited(deps, attempt)
    await expect(createDevice(followed, everything, { deviceId: 'taken' })).rejects.toThrow('already exists')
    expect(await entries()).toEqual([])
    await end({ outcome: 'refused', code: 'ALREADY_EXISTS' })
    expect(await entries()).toMatchObject([{ outcome: 'refused', code: 'ALREADY_EXISTS' }])
  })

  test('has one entry when the transaction is repeated after a deadlock', async () => {
    const { deps: followed, end } = audited(deps, attempt)
    let attempts = 0
    await inTransaction(followed, async (tx) => {
      attempts++
      if (attempts === 1) await tx.query(sql`do $$ begin raise exception using errcode = '40P01'; end $$`)
    })
    await end()
    expect(attempts).toBe(2)
    expect(await entries()).toHaveLength(1)
  })

  test('has its entry in the statement that it makes anyway', async () => {
    const db = countedDb(deps.db)
    const { deps: followed, end } = audited({ ...deps, db }, attempt)
    await scheduleJob(followed, { ...actor, scope: everything }, givenJob)
    await end()
    expect(db.asked.statements).toBe(1)
    expect(await entries()).toHaveLength(1)
  })

  test('has its entry also when what it did is undone within the transaction', async () => {
    const { deps: followed } = audited(deps, attempt)
    await inTransaction(followed, async (tx) => {
      const work = undoneOnFailure(tx, () => tx.query(sql`select 1 / 0`))
      await expect(work).rejects.toThrow('division by zero')
    })
    expect(await entries()).toHaveLength(1)
  })

  test('is undone when its entry cannot be inserted', async () => {
    const { deps: followed } = audited(deps, attempt)
    await deps.database.pool.query("alter table audit_entry add constraint full_up check (operation <> 'test')")
    await expect(createDevice(followed, everything, { deviceId: 'three' })).rejects.toThrow('full_up')
    await deps.database.pool.query('alter table audit_entry drop constraint full_up')
    expect(await deps.db.prisma.device.findUnique({ where: { id: 'three' } })).toBeNull()
    expect(await entries()).toEqual([])
  })

  test('has what was noted before and after the transaction', async () => {
    const { deps: followed, note, end } = audited(deps, { ...attempt, detail: { a: 1 } })
    note({ b: 2 })
    await inTransaction(followed, async () => {})
    expect(await entries()).toMatchObject([{ detail: { a: 1, b: 2 } }])
    note({ c: 3 })
    await end()
    expect((await entries()).map(({ detail }) => detail)).toEqual([{ a: 1, b: 2, c: 3 }])
  })

  test.each([
    ['that exist, and others that are not valid', ['there', 'not an id']],
    ['that are not valid', ['not an id', '']],
  ])('has the number of devices that were refused before its end: of devices %s', async (_case, ids) => {
    await createDevices(deps, everything, [{ deviceId: 'there' }])
    const { deps: followed, note } = audited(deps, { ...attempt, detail: { a: 1 } })
    const inputs = ids.map((deviceId) => ({ deviceId }))
    await createDevices(followed, everything, inputs, { caller: 'anna', note })
    // A hub that is killed now has no end.
    expect(await entries()).toMatchObject([{ outcome: 'succeeded', detail: { a: 1, failures: 2 } }])
  })

  test('has nothing that was noted in an attempt that was rolled back', async () => {
    const { deps: followed, note, end } = audited(deps, attempt)
    let attempts = 0
    await inTransaction(followed, async (tx) => {
      attempts++
      if (attempts > 1) return
      note({ failures: 1 })
      await tx.query(sql`do $$ begin raise exception using errcode = '40P01'; end $$`)
    })
    await end()
    expect(await entries()).toMatchObject([{ detail: null }])
  })

  test('is refused when it has found in its transaction that it may change nothing', async () => {
    const { deps: followed, end } = audited(deps, attempt)
    await inTransaction(followed, async () => {})
    await end(refused)
    expect(await entries()).toMatchObject([{ outcome: 'refused', code: 'CONFLICT' }])
  })

  test('has succeeded when a fault comes after its transaction', async () => {
    const { deps: followed, end } = audited(deps, attempt)
    await inTransaction(followed, async () => {})
    await end({ outcome: 'failed', code: 'SERVICE_UNAVAILABLE' })
    expect(await entries()).toMatchObject([{ outcome: 'succeeded', code: 'SERVICE_UNAVAILABLE' }])
  })
})

test('an operation without a transaction has its entry at its end', async () => {
  await audited(deps, attempt).end()
  expect(await entries()).toMatchObject([{ outcome: 'succeeded' }])
})

test('an entry that cannot be written is logged, and the operation ends all the same', async () => {
  const logged: unknown[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const follow = (operation: string) => audited({ ...deps, log }, { ...attempt, operation })
  const within = follow('in a transaction')
  await inTransaction(within.deps, async () => {})
  await deps.database.pool.query('alter table audit_entry add constraint no_code check (code is null)')
  await within.end(refused)
  await follow('without one').end({ outcome: 'succeeded', code: 'DEVICE_TIMEOUT' })
  await deps.database.pool.query('alter table audit_entry drop constraint no_code')
  const line = { msg: 'audit entry could not be written', actor: 'issuer|anna', target: 'thing' }
  expect(logged).toMatchObject([
    { ...line, operation: 'in a transaction', outcome: 'refused', code: 'CONFLICT' },
    { ...line, operation: 'without one', outcome: 'succeeded', code: 'DEVICE_TIMEOUT' },
  ])
})

test('texts of any length and with any characters can be stored', async () => {
  const name = `\0\ud800\n${'ü'.repeat(5_000)}`
  const detail = { list: [name], [name]: name, nested: { deep: [null, true, 1.5] } }
  await audited(deps, { ...attempt, actor: { ...actor, name, subject: name }, target: name, detail }).end()
  const [entry] = await entries()
  expect(entry?.actor).toBe(`\ufffd\n${'ü'.repeat(997)}`)
  expect(entry?.target).toBe(entry?.actor)
  expect(entry?.detail).toMatchObject({ list: [entry?.actor], nested: { deep: [null, true, 1.5] } })
})

test('entries of operations that end together are written together, each of them once', async () => {
  const operations = Array.from({ length: 250 }, (_, index) => `call ${index}`)
  await Promise.all(
    operations.map((operation) => audited(deps, { ...attempt, operation, detail: { operation } }).end()),
  )
  const rows = await entries()
  expect(rows.map(({ operation }) => operation)).toEqual(operations)
  expect(rows[249]).toMatchObject({
    actor: 'Anna',
    actorId: 'issuer|anna',
    actorKind: 'person',
    issuer: 'issuer',
    subject: 'anna',
    target: 'thing',
    address: '192.0.2.1',
    time: clock.now(),
    detail: { operation: 'call 249' },
  })
  const { rows: writers } = await deps.database.pool.query('select distinct xmin::text from audit_entry')
  expect(writers).toHaveLength(3)
})

describe('a flood of refused and denied operations', () => {
  // A new second for each test.
  beforeEach(() => clock.advance(1_000))
  const refuse = async (times: number, by = actor) => {
    for (let count = 0; count < times; count++) {
      await audited(deps, { ...attempt, actor: by }).end(count % 2 === 0 ? refused : denied)
    }
  }
  const timesOf = (rows: Awaited<ReturnType<typeof entries>>) =>
    rows.map(({ detail }) => Number(JSON.parse(JSON.stringify(detail))?.times ?? 1))

  test('has at most ten entries per second of an actor, and the last one has the number of the others', async () => {
    await refuse(50)
    // All of them at once: a kill loses the number only.
    expect(timesOf(await entries())).toEqual(Array.from({ length: 10 }, () => 1))
    clock.advance(1_000)
    // No call waits for it.
    await expect.poll(async () => timesOf(await entries()).at(-1)).toBe(41)
    await refuse(1)
    expect(timesOf(await entries())).toEqual([...Array.from({ length: 9 }, () => 1), 41, 1])
  })

  test('of ten operations has an entry for each', async () => {
    await refuse(10)
    clock.advance(1_000)
    await refuse(1)
    expect((await entries()).map(({ detail }) => detail)).toEqual(Array.from({ length: 11 }, () => null))
  })

  test('leaves the entries of others alone', async () => {
    await refuse(20)
    await refuse(1, { ...actor, id: 'issuer|berta', name: 'Berta' })
    expect((await entries()).map(({ actor: name }) => name).filter((name) => name === 'Berta')).toHaveLength(1)
  })

  test('does not keep a success from being written', async () => {
    await refuse(20)
    await audited(deps, attempt).end()
    expect((await entries()).filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(1)
  })
})

test('reading keys is one entry, with the first hundred ids', async () => {
  await noteKeysRead(deps, attempt, [])
  await noteKeysRead(deps, attempt, ['one'])
  const many = Array.from({ length: 150 }, (_, index) => `pump-${index}`)
  await noteKeysRead(deps, attempt, many)
  expect(await entries()).toMatchObject([
    { operation: 'readKeys', target: 'one', detail: null },
    { operation: 'readKeys', target: null, detail: { devices: 150, deviceIds: many.slice(0, 100) } },
  ])
})
