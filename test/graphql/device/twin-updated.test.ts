import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDevice } from '../../../src/device/commands.ts'
import { everything } from '../../../src/scope.ts'
import { reportProperties } from '../../../src/twin/commands.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { countStatements } from '../facts.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

// What reads of twins may fall between: other writes, other readers.

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

/** A subscriber; `next` answers the version that it is shown next. All of them ask the same thing. */
const subscribe = (deviceId: string) => {
  const query = 'subscription ($deviceId: String!) { twinUpdated(deviceId: $deviceId) { version } }'
  const results = port.client().iterate<{ twinUpdated: { version: number } }>({ query, variables: { deviceId } })
  return {
    async next() {
      const { value, done } = await results.next()
      return done ? 'complete' : value.data?.twinUpdated.version
    },
  }
}
const tell = (deviceId: string) => door.deps.events.publish('twin', deviceId, { deviceId })
/** As another instance would write: nothing is heard of it here. */
const writeElsewhere = (deviceId: string) =>
  door.deps.database.pool.query('update twin set version = version + 1 where device_id = $1', [deviceId])

/** Those who wait for a table of this database. */
const waits = `select from pg_locks where relation = $1::regclass and not granted
               and database = (select oid from pg_database where datname = current_database())`

/** Keeps all from reading the table until `letGo`, which first does these statements in the same transaction. */
const holdTable = async (table: 'device' | 'twin') => {
  const { pool } = door.deps.database
  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query(`lock table ${table} in access exclusive mode`)
  return {
    /** Resolves when this many wait. */
    waiting: (count: number) => expect.poll(async () => (await pool.query(waits, [table])).rowCount).toBe(count),
    async letGo(deviceId: string, ...statements: readonly string[]) {
      for (const statement of statements) await holder.query(statement, [deviceId])
      await holder.query('commit')
      holder.release()
    },
  }
}

test('who has begun with a newer twin than others have read for an event goes on', async () => {
  const deviceId = await createDevice(door.deps, everything, { deviceId: 'newer' })
  const early = subscribe(deviceId)
  expect(await early.next()).toBe(1)

  const devices = await holdTable('device')
  const reading = subscribe(deviceId)
  const readingFirst = reading.next()
  await devices.waiting(1)
  // Begins to read when that one has.
  const late = subscribe(deviceId)
  const lateFirst = late.next()
  await until(() => door.server.openStreams() === 3)
  await writeElsewhere(deviceId)
  tell(deviceId)
  await devices.waiting(2)
  await devices.letGo(deviceId, 'update twin set version = version + 1 where device_id = $1')

  expect([await readingFirst, await early.next(), await lateFirst]).toEqual([1, 2, 3])
  await reportProperties(door.deps, deviceId, { speed: 1 })
  expect(await late.next()).toBe(4)
})

test('the twin of another device of the same name that comes between two statements is not shown', async () => {
  const deviceId = await createDevice(door.deps, everything, { deviceId: 'between' })
  const updates = subscribe(deviceId)
  expect(await updates.next()).toBe(1)

  const twins = await holdTable('twin')
  tell(deviceId)
  await twins.waiting(1)
  await twins.letGo(
    deviceId,
    `update device set generation_id = 'another' where id = $1`,
    'update twin set version = version + 1 where device_id = $1',
  )
  expect(await updates.next()).toBe('complete')
})

test('what happens to the identities of other devices costs no statement', async () => {
  const deviceId = await createDevice(door.deps, everything, { deviceId: 'quiet' })
  const updates = subscribe(deviceId)
  await updates.next()
  await writeElsewhere(deviceId)
  const statements = await countStatements(async () => {
    for (let count = 0; count < 10; count++) door.deps.events.publish('identity', { deviceId: `other-${count}` })
    tell(deviceId)
    expect(await updates.next()).toBe(2)
  })
  expect(statements).toBe(2)
})
