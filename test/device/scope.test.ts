import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDevice, createDevices, deleteDevice, updateDevice } from '../../src/device/commands.ts'
import { countDevices, findDevicePage } from '../../src/device/selection-store.ts'
import {
  findExistingIds,
  findGeneration,
  findIdentity,
  findSelectedDevices,
  lockIdentity,
} from '../../src/device/store.ts'
import { AlreadyExistsError, InvalidInputError, NotFoundError } from '../../src/errors.ts'
import { invokeMethod } from '../../src/method/commands.ts'
import { compileDeviceCondition } from '../../src/query/device-condition.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { everything, type Scope } from '../../src/scope.ts'
import { patchTwin, readTwin, readTwinPaths, replaceTwin, reportProperties } from '../../src/twin/commands.ts'
import { findTwinTexts } from '../../src/twin/text-store.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { unhurried } from '../support/unhurried.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  const sites = { 'n%': 'north', s: 'south', w: 'west' }
  await createDevices(
    deps,
    everything,
    Object.entries(sites).map(([deviceId, site]) => ({ deviceId, twin: { tags: { site, [`only_${site}`]: 1 } } })),
  )
  await reportProperties(deps, 'w', { speed: 5 })
})
afterAll(() => deps.close())

const north = scopeOf(["tags.site = 'north'"])
const ids = ['n%', 's', 'w', 'unknown']
const cases: readonly [string, Scope, readonly string[]][] = [
  ['all devices', everything, ['n%', 's', 'w']],
  ['one condition', north, ['n%']],
  ['two conditions', scopeOf(["tags.site = 'north'", "tags.site = 'south'"]), ['n%', 's']],
  ['no condition', scopeOf([]), []],
  ['a reported property', scopeOf(['properties.reported.speed > 4']), ['w']],
  ['the connection state', scopeOf(["connectionState = 'Connected'"]), []],
]

test.each(cases)('every read of devices is within the scope of %s', async (_name, scope, inside) => {
  const all = compileDeviceCondition('*')
  const page = { cursor: undefined, ascending: true, limit: 10 }
  const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id).sort()
  const found = async (find: (id: string) => Promise<unknown>) => {
    const each = await Promise.all(ids.map(async (id) => ((await find(id)) === undefined ? [] : [id])))
    return each.flat()
  }
  expect(idsOf(await findSelectedDevices(deps.db, scope, ids, ['id']))).toEqual(inside)
  expect([...(await findExistingIds(deps.db, scope, ids))].sort()).toEqual(inside)
  expect(idsOf(await findDevicePage(unhurried(deps.db), scope, ['id'], all, page))).toEqual(inside)
  expect(idsOf(await findDevicePage(unhurried(deps.db), scope, ['id'], all, { ...page, ascending: false }))).toEqual(
    inside,
  )
  expect(await countDevices(unhurried(deps.db), scope, all)).toBe(inside.length)
  expect(await found((id) => findIdentity(deps.db, scope, id))).toEqual(inside)
  expect(await found((id) => findGeneration(deps.db, scope, id))).toEqual(inside)
  expect(await found((id) => deps.db.transaction((tx) => lockIdentity(tx, scope, id)))).toEqual(inside)
})

test.each(cases)('every read of twins is within the scope of %s', async (_name, scope, inside) => {
  const idsOf = (rows: readonly { readonly deviceId: string }[]) => rows.map(({ deviceId }) => deviceId).sort()
  expect(idsOf((await findTwinTexts(deps.db, scope, ids, ['tags'], 10_000)).twins)).toEqual(inside)
  expect(idsOf((await findTwinTexts(deps.db, scope, ids, [], 10_000)).twins)).toEqual(inside)
  const read = await Promise.allSettled(ids.map((id) => readTwin(deps, scope, id)))
  expect(idsOf(read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))).toEqual(inside)
  const paths = await readTwinPaths(deps, scope, { caller: 'tester' }, { prefix: 'tags.only', first: 10 })
  expect(paths).toHaveLength(inside.length)
})

test('a device outside of the scope is as unknown as one that does not exist, and is not changed', async () => {
  const patch = { tags: { touched: true } }
  const published: string[] = []
  const stop = [
    deps.events.listen('identity')(({ deviceId }) => published.push(deviceId)),
    deps.events.listen('twin', 's')(({ deviceId }) => published.push(deviceId)),
  ]
  const before = [await readTwin(deps, everything, 's'), await findIdentity(deps.db, everything, 's')]
  const attempts: readonly ((deviceId: string) => Promise<unknown>)[] = [
    (deviceId) => readTwin(deps, north, deviceId),
    (deviceId) => patchTwin(deps, north, { deviceId, patch, ifMatch: '*' }),
    (deviceId) => patchTwin(deps, north, { deviceId, patch, ifMatch: 'AAAAAAAAAAE=' }),
    (deviceId) => replaceTwin(deps, north, { deviceId, sections: patch, ifMatch: '*' }),
    (deviceId) => updateDevice(deps, north, { deviceId, ifMatch: '*', status: 'disabled' }),
    (deviceId) => deleteDevice(deps, north, { deviceId, ifMatch: '*' }),
    (deviceId) => invokeMethod(deps, north, deviceId, { methodName: 'reboot' }),
  ]
  for (const attempt of attempts) {
    const refusal = async (deviceId: string): Promise<unknown> => {
      const error = await attempt(deviceId).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(NotFoundError)
      return error instanceof Error ? error.message.replaceAll(`"${deviceId}"`, '"x"') : error
    }
    expect(await refusal('s')).toBe(await refusal('unknown'))
  }
  for (const end of stop) end()
  expect([await readTwin(deps, everything, 's'), await findIdentity(deps.db, everything, 's')]).toEqual(before)
  expect(published).toEqual([])
})

test('devices are created only in the scope', async () => {
  const inputs = [
    { deviceId: 'new-n', twin: { tags: { site: 'north' } } },
    { deviceId: 'new-s', twin: { tags: { site: 'south' } } },
    { deviceId: 's', twin: { tags: { site: 'north' } } },
    { deviceId: 'new-0' },
  ]
  const results = await createDevices(deps, north, inputs)
  expect(results).toEqual([
    'new-n',
    expect.any(InvalidInputError),
    expect.any(AlreadyExistsError),
    expect.any(InvalidInputError),
  ])
  expect(results[1]).toMatchObject({
    path: ['twin'],
    message: expect.stringContaining("outside your scope: tags.site = 'north'"),
  })
  expect(await findExistingIds(deps.db, everything, ['new-n', 'new-s', 'new-0'])).toEqual(new Set(['new-n']))
})

test('no write takes a device out of the scope of its author', async () => {
  const deviceId = await createDevice(deps, everything, { deviceId: 'stays', twin: { tags: { site: 'north' } } })
  const tags = { site: null }
  const ofEnabled = scopeOf(["status = 'enabled'"])
  const before = await readTwin(deps, everything, deviceId)
  await expect(patchTwin(deps, north, { deviceId, patch: { tags }, ifMatch: '*' })).rejects.toThrow(InvalidInputError)
  await expect(replaceTwin(deps, north, { deviceId, sections: { tags: {} }, ifMatch: '*' })).rejects.toThrow(
    'outside your scope',
  )
  await expect(updateDevice(deps, ofEnabled, { deviceId, ifMatch: '*', status: 'disabled' })).rejects.toThrow(
    InvalidInputError,
  )
  expect(await readTwin(deps, everything, deviceId)).toEqual(before)
  await patchTwin(deps, north, { deviceId, patch: { tags: { seen: true } }, ifMatch: '*' })
  expect((await readTwin(deps, everything, deviceId)).tags).toEqual({ site: 'north', seen: true })
})

test.each([
  ['the whole condition', 'tags.n % 7 = 3'],
  ['what a look-up precedes', "tags.site IN ['north', 'south'] AND tags.n % 7 = 3"],
])('%s is not evaluated on devices outside the scope', async (_what, condition) => {
  const n = { 'n%': 10, s: 11 }
  for (const [deviceId, value] of Object.entries(n)) {
    await patchTwin(deps, everything, { deviceId, patch: { tags: { n: value } }, ifMatch: '*' })
  }
  await deps.database.pool.query(
    `create or replace function double_remainder(a float8, b float8) returns float8
     language plpgsql immutable strict parallel safe as $$
     begin
       if a = 11 then raise exception 'a device outside the scope'; end if;
       return 3;
     end $$`,
  )
  // PostgreSQL evaluates first what it expects to cost less: here the condition, and not the scope.
  const costly = scopeOf(["tags.site = 'north' OR tags.n + 1 + 1 + 1 > 1e300"])
  const counted = (scope: Scope) => countDevices(unhurried(deps.db), scope, compileDeviceCondition(condition))
  expect(await counted(costly)).toBe(1)
  await expect(counted(everything)).rejects.toThrow('a device outside the scope')
})
