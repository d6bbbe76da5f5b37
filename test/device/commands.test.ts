import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createDevice, createDevices, deleteDevice, updateDevice } from '../../src/device/commands.ts'
import { AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError } from '../../src/errors.ts'
import { everything } from '../../src/scope.ts'
import { readTwin } from '../../src/twin/commands.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps

beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

test('a new device has generated keys and the twin it was given', async () => {
  await createDevice(deps, everything, {
    deviceId: 'pump-1',
    twin: { tags: { floor: 3 }, properties: { desired: { a: 1 } } },
  })
  const device = await deps.db.prisma.device.findUniqueOrThrow({ where: { id: 'pump-1' } })
  expect(Buffer.from(device.primaryKey ?? '', 'base64')).toHaveLength(32)
  expect(device.secondaryKey).not.toBe(device.primaryKey)
  const twin = await readTwin(deps, everything, 'pump-1')
  expect(twin).toMatchObject({ tags: { floor: 3 }, desired: { a: 1 }, desiredVersion: 1, reportedVersion: 1 })
  expect(twin.desiredMetadata).toMatchObject({ a: { $lastUpdatedVersion: 1 } })
})

test('in a batch each device stands for itself', async () => {
  await createDevice(deps, everything, { deviceId: 'taken' })
  const results = await createDevices(deps, everything, [
    { deviceId: 'new-1' },
    { deviceId: 'taken' },
    { deviceId: 'bad id' },
    { deviceId: 'new-1' },
  ])
  expect(results[0]).toBe('new-1')
  expect(results[1]).toBeInstanceOf(AlreadyExistsError)
  expect(results[2]).toBeInstanceOf(InvalidInputError)
  expect(results[3]).toBeInstanceOf(AlreadyExistsError)
})

/** Creates devices, and counts how often that gives way. */
async function createCounting(inputs: Parameters<typeof createDevices>[2]) {
  let turns = 0
  const clock = {
    ...systemClock,
    giveWay: () => {
      turns++
      return systemClock.giveWay()
    },
  }
  return { results: await createDevices({ ...deps, clock }, everything, inputs), turns }
}

test('a batch of large twins gives way between them, and answers in the order given', async () => {
  const desired = Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`k${index}`, {}]))
  const ids = ['wide-4', 'wide-1', 'wide-3', 'wide-2', 'wide-1']
  const inputs = ids.map((deviceId) => ({ deviceId, twin: { properties: { desired: { ...desired } } } }))
  const { results, turns } = await createCounting([...inputs, { deviceId: 'small' }])
  expect(results).toEqual(['wide-4', 'wide-1', 'wide-3', 'wide-2', expect.any(AlreadyExistsError), 'small'])
  expect(turns).toBe(5)
  expect(Object.keys((await readTwin(deps, everything, 'wide-3')).desired)).toHaveLength(4_000)
})

test('desired properties that several devices of a batch share are checked once', async () => {
  let reads = 0
  const ownKeys = (target: object): (string | symbol)[] => {
    reads++
    return Reflect.ownKeys(target)
  }
  const desired = new Proxy({ a: { b: 1 }, gone: null }, { ownKeys })
  const inputs = ['east', 'west', 'east'].map((site, index) => ({
    deviceId: `shared-${index}`,
    twin: { tags: { site }, properties: { desired } },
  }))
  await createDevices(deps, everything, inputs.slice(0, 1))
  const once = reads
  const faulty = { deviceId: 'shared-9', twin: { properties: { desired, other: {} } } }
  const results = await createDevices(deps, everything, [...inputs.slice(1), faulty])
  expect(reads).toBe(2 * once)
  expect(results).toEqual(['shared-1', 'shared-2', expect.any(InvalidInputError)])
  const [one, other] = [await readTwin(deps, everything, 'shared-1'), await readTwin(deps, everything, 'shared-2')]
  expect(one).toMatchObject({ tags: { site: 'west' }, desired: { a: { b: 1 } }, desiredVersion: 1 })
  expect({ ...other, deviceId: one.deviceId, tags: one.tags }).toEqual(one)
})

test.each([
  [
    'in another turn than it was checked in',
    'printed',
    false,
    ['turn', 'statement', 'turn', 'statement', 'turn', 'statement'],
  ],
  // The first is as much as a statement may send.
  ['once for the other devices of a batch that share it', 'large-shared', true, ['turn', 'statement', 'statement']],
])('a large twin is printed for the database %s', async (_when, name, isShared, expected) => {
  const desired = Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`k${index}`, {}]))
  const inputs = [1, 2, 3].map((number) => ({
    deviceId: `${name}-${number}`,
    twin: { tags: { number }, properties: { desired: isShared ? desired : { ...desired } } },
  }))
  const order: string[] = []
  const clock = {
    ...systemClock,
    giveWay: () => {
      order.push('turn')
      return systemClock.giveWay()
    },
  }
  const db: typeof deps.db = {
    ...deps.db,
    transaction: (work, longest) =>
      deps.db.transaction((tx) => {
        const query: typeof tx.query = (text, name) => {
          order.push('statement')
          return tx.query(text, name)
        }
        return work({ ...tx, query })
      }, longest),
  }
  await createDevices({ ...deps, clock, db }, everything, inputs)
  expect(order).toEqual(expected)
  const twins = await Promise.all(inputs.map(({ deviceId }) => readTwin(deps, everything, deviceId)))
  expect(twins).toMatchObject(inputs.map(({ twin: { tags } }) => ({ tags, desired })))
})

test.each<readonly [string, unknown, unknown]>([
  ['of which nothing is left to write', null, expect.stringMatching(/^sparse/)],
  ['that are refused at their last member', { '': 1 }, expect.any(InvalidInputError)],
])('a batch of large twins %s gives way between them, too', async (_what, last, result) => {
  const members = Array.from({ length: 4_000 }, (_, index) => [`k${index}`, null])
  const desired = Object.fromEntries([...members, ['last', last]])
  const inputs = Array.from({ length: 6 }, (_, index) => ({
    deviceId: `sparse-${typeof last}-${last === null}-${index}`,
    twin: { properties: { desired: { ...desired } } },
  }))
  const { results, turns } = await createCounting(inputs)
  expect(results).toEqual(inputs.map(() => result))
  expect(turns).toBe(6)
})

test('a batch of small devices gives way seldom', async () => {
  const inputs = Array.from({ length: 100 }, (_, index) => ({ deviceId: `few-${index}`, twin: { tags: { index } } }))
  expect((await createCounting(inputs)).turns).toBe(0)
})

test('a write under an old etag changes nothing', async () => {
  await createDevice(deps, everything, { deviceId: 'etag' })
  await updateDevice(deps, everything, { deviceId: 'etag', ifMatch: 'AAAAAAAAAAE=', status: 'disabled' })
  await expect(
    updateDevice(deps, everything, { deviceId: 'etag', ifMatch: 'AAAAAAAAAAE=', status: 'enabled' }),
  ).rejects.toThrow(PreconditionError)
  await expect(deleteDevice(deps, everything, { deviceId: 'etag', ifMatch: 'AAAAAAAAAAE=' })).rejects.toThrow(
    PreconditionError,
  )
  const device = await deps.db.prisma.device.findUniqueOrThrow({ where: { id: 'etag' } })
  expect(device).toMatchObject({ status: 'disabled', etagVersion: 2 })
})

test('an update that names no keys keeps them', async () => {
  await createDevice(deps, everything, { deviceId: 'keys' })
  const before = await deps.db.prisma.device.findUniqueOrThrow({ where: { id: 'keys' } })
  await updateDevice(deps, everything, { deviceId: 'keys', ifMatch: '*', authentication: { type: 'sas' } })
  const after = await deps.db.prisma.device.findUniqueOrThrow({ where: { id: 'keys' } })
  expect(after.primaryKey).toBe(before.primaryKey)
})

test('a deleted device takes its twin along', async () => {
  await createDevice(deps, everything, { deviceId: 'gone' })
  await deleteDevice(deps, everything, { deviceId: 'gone', ifMatch: '*' })
  await expect(readTwin(deps, everything, 'gone')).rejects.toThrow(NotFoundError)
  await expect(deleteDevice(deps, everything, { deviceId: 'gone', ifMatch: '*' })).rejects.toThrow(NotFoundError)
})
