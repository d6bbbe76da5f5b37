import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createDevice, createDevices } from '../../src/device/commands.ts'
import { InvalidInputError, NotShownError } from '../../src/errors.ts'
import type { Json, JsonObject } from '../../src/json/json.ts'
import { everything } from '../../src/scope.ts'
import type { TwinPatch } from '../../src/twin/check-patch.ts'
import { patchTwin, patchTwins, readTwin, replaceTwin, reportProperties } from '../../src/twin/commands.ts'
import { sizeOf } from '../../src/twin/size.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices } from '../support/rows.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

const members = (count: number, value: Json): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]))

/** Sets columns of a twin to what no version of the hub takes in now: `count` members of 4,096 signs without weight. */
const givenLarge = (deviceId: string, columns: readonly string[], count: number) =>
  deps.database.pool.query(
    `update twin set ${columns.map((column) => `${column} = large`).join(', ')}
     from (select jsonb_object_agg('k' || n, repeat(chr(127), 4096)) as large from generate_series(0, $2::int - 1) n) made
     where device_id = $1`,
    [deviceId, count],
  )

describe('a device', () => {
  test.each<readonly [string, (round: number) => JsonObject]>([
    ['signs without weight', (round) => ({ [`k${round}`]: '\u007f'.repeat(4096) })],
    [
      'empty members',
      (round) => Object.fromEntries(Object.keys(members(500, {})).map((key) => [`${key}-${round}`, {}])),
    ],
    ['numbers that the database prints in hundreds of digits', (round) => members(100 * (round + 1), 5e-324)],
  ])('cannot let its twin grow by %s', async (what, patchOf) => {
    const [deviceId = ''] = await givenDevices(deps, `grows-${what.length}`, 1)
    const grow = async (): Promise<void> => {
      for (let round = 0; round < 100; round++) await reportProperties(deps, deviceId, patchOf(round))
    }
    await expect(grow()).rejects.toBeInstanceOf(InvalidInputError)
    const { rows } = await deps.database.pool.query(
      `select length(replace(reported::text, ' ', '')) as printed from twin where device_id = $1`,
      [deviceId],
    )
    expect(rows[0].printed).toBeLessThanOrEqual(deps.limits.twinBytes)
    const { bytes, members } = sizeOf((await readTwin(deps, everything, deviceId)).reported)
    expect(bytes).toBeLessThanOrEqual(deps.limits.twinBytes)
    expect(members).toBeLessThanOrEqual(deps.limits.twinMembers)
  })

  test.each<readonly [string, Json]>([
    ['one array of numbers of any precision', Array.from({ length: 4095 }, () => -1.2345678901234568e-7)],
    ['numbers under short names', members(2_300, 0.1234567890123456)],
    ['texts of many lines in quotes', members(8, '"line"\n'.repeat(580))],
  ])('may report all that weighs up to 32 KB: %s', async (what, value) => {
    const [deviceId = ''] = await givenDevices(deps, `honest-${what.length}`, 1)
    const section = { v: value }
    expect(sizeOf(section).weight).toBeGreaterThan(26 * 1024)
    expect(await reportProperties(deps, deviceId, section)).toBe(2)
  })
})

describe('a twin that an earlier version let grow', () => {
  test('is read, and takes what makes it smaller, but nothing that does not', async () => {
    const [deviceId = ''] = await givenDevices(deps, 'grown', 1)
    await givenLarge(deviceId, ['reported', 'desired'], 60)
    expect(Object.keys((await readTwin(deps, everything, deviceId)).reported)).toHaveLength(60)
    await expect(reportProperties(deps, deviceId, { a: 1 })).rejects.toThrow(
      /bytes of JSON text\. At most 128 KB are allowed/,
    )
    await reportProperties(deps, deviceId, { k0: null })
    await reportProperties(deps, deviceId, { k1: 'short' })
    const patch = { desired: { k0: null } }
    await patchTwin(deps, everything, { deviceId, patch, ifMatch: '*' })
    await patchTwin(deps, everything, { deviceId, patch: { tags: { a: 1 } }, ifMatch: '*' })
    const { reported, desired } = await readTwin(deps, everything, deviceId)
    expect([Object.keys(reported).length, reported.k1, Object.keys(desired).length]).toEqual([59, 'short', 59])
  })

  test('is not read when it is larger by far, and takes what deletes members of its roots', async () => {
    const [deviceId = ''] = await givenDevices(deps, 'huge', 1)
    await givenLarge(deviceId, ['reported', 'desired', 'tags'], 1_000)
    const all = members(990, null)
    await expect(readTwin(deps, everything, deviceId)).rejects.toBeInstanceOf(NotShownError)
    await expect(reportProperties(deps, deviceId, { a: 1 })).rejects.toThrow(/too large for a merge/)
    await expect(
      patchTwin(deps, everything, { deviceId, patch: { desired: { a: 1, k0: null } }, ifMatch: '*' }),
    ).rejects.toThrow(/too large for a merge/)
    await expect(replaceTwin(deps, everything, { deviceId, sections: { tags: {} }, ifMatch: '*' })).rejects.toThrow(
      /too large/,
    )

    expect(await reportProperties(deps, deviceId, all)).toBe(2)
    await patchTwin(deps, everything, { deviceId, patch: { desired: all, tags: all }, ifMatch: '*' })
    const twin = await readTwin(deps, everything, deviceId)
    expect(twin).toMatchObject({ reportedVersion: 2, desiredVersion: 2, version: 3, etagVersion: 2 })
    expect([twin.reported, twin.desired, twin.tags].map((section) => Object.keys(section).length)).toEqual([10, 10, 10])
    expect(twin.desiredMetadata).toEqual({ $lastUpdated: expect.any(String), $lastUpdatedVersion: 2 })
    expect(twin.reportedMetadata).toEqual({ $lastUpdated: expect.any(String) })
  })

  test('fails alone in a batch', async () => {
    const ids = await givenDevices(deps, 'among', 3)
    await givenLarge('among-0002', ['desired'], 1_000)
    const result = await deps.db.transaction((tx) => patchTwins(deps, tx, ids, { desired: { a: 1 } }, new Date()))
    expect(result.changed).toEqual(['among-0001', 'among-0003'])
    expect(result.refused).toEqual([{ deviceId: 'among-0002', error: expect.any(InvalidInputError) }])
  })
})

describe('every writer', () => {
  /** The changes that the thread was asked for. */
  const asked: string[] = []
  const watched = (): TestDeps => {
    asked.length = 0
    return {
      ...deps,
      twinThread: {
        ...deps.twinThread,
        run(name, input) {
          asked.push(name)
          return deps.twinThread.run(name, input)
        },
      },
    }
  }
  const section = members(1_000, {})
  const one = { a: 1 }
  const writers: readonly (readonly [
    what: string,
    change: string,
    write: (id: string, given: JsonObject) => unknown,
  ])[] = [
    [
      'a patch of a service',
      'patched',
      (deviceId, desired) => patchTwin(watched(), everything, { deviceId, patch: { desired }, ifMatch: '*' }),
    ],
    [
      'a replacement',
      'replaced',
      (deviceId, desired) => replaceTwin(watched(), everything, { deviceId, sections: { desired }, ifMatch: '*' }),
    ],
    ['a report of a device', 'reported', (deviceId, reported) => reportProperties(watched(), deviceId, reported)],
    [
      'a new device',
      'firstTwin',
      (deviceId, desired) =>
        createDevice(watched(), everything, { deviceId: `${deviceId}-new`, twin: { properties: { desired } } }),
    ],
  ]

  test.each(writers)(
    'leaves a large twin to the thread, and does a small one itself: %s',
    async (_what, change, write) => {
      const [small = '', large = ''] = await givenDevices(deps, `written-${change}`, 2)
      await write(small, one)
      expect(asked).toEqual([])
      await write(large, section)
      expect(asked).toEqual([change])
    },
  )

  test('of a twin that is large already leaves a small change to the thread', async () => {
    const [deviceId = ''] = await givenDevices(deps, 'written-after', 1)
    await patchTwin(deps, everything, { deviceId, patch: { desired: section }, ifMatch: '*' })
    await reportProperties(deps, deviceId, section)
    await patchTwin(watched(), everything, { deviceId, patch: { desired: one }, ifMatch: '*' })
    expect(asked).toEqual(['patched'])
    await replaceTwin(watched(), everything, { deviceId, sections: { desired: one }, ifMatch: '*' })
    expect(asked).toEqual(['replaced'])
    await reportProperties(watched(), deviceId, one)
    expect(asked).toEqual(['reported'])
    expect(await readTwin(deps, everything, deviceId)).toMatchObject({
      desired: one,
      reported: { ...section, ...one },
      desiredVersion: 4,
    })
  })

  test('has the large first twin that devices share checked once', async () => {
    const ids = ['shared-1', 'shared-2', 'shared-3']
    const twin = { properties: { desired: section } }
    const made = await createDevices(
      watched(),
      everything,
      ids.map((deviceId) => ({ deviceId, twin: { ...twin, tags: { deviceId } } })),
    )
    expect([made, asked]).toEqual([ids, ['firstTwin']])
    expect(await readTwin(deps, everything, 'shared-3')).toMatchObject({
      tags: { deviceId: 'shared-3' },
      desired: section,
    })
  })

  test('is one of those above', () => {
    const root = resolve(import.meta.dirname, '../../src')
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('generated'),
    )
    const uses = (pattern: RegExp): string[] =>
      files
        .flatMap((file) =>
          [...readFileSync(resolve(root, file), 'utf8').matchAll(pattern)].map(([use]) => `${file}: ${use}`),
        )
        .sort()
    // Statements that write documents of twins, and where they are used. A new one needs a line above.
    expect(uses(/(?:update twin|insert into twin)\b/g)).toEqual([
      'device/store.ts: insert into twin',
      ...Array(4).fill('twin/store.ts: update twin'),
    ])
    expect(uses(/(?<!function )\b(?:saveDesired|saveReported|insertDevices)\(/g)).toEqual([
      'device/commands.ts: insertDevices(',
      ...Array(2).fill('twin/commands.ts: saveDesired('),
      'twin/commands.ts: saveReported(',
    ])
    // Whoever changes twins here chooses between this and the thread.
    expect(uses(/from '[./a-z]*\/changes\.ts'/g).map((use) => use.replace(/:.*/, ''))).toEqual([
      'device/commands.ts',
      'twin/commands.ts',
      'twin/large-changes.ts',
    ])
  })
})

describe('a batch of patches', () => {
  const patchWith = (clock: Clock, ids: readonly string[], patch: TwinPatch) =>
    deps.db.transaction((tx) => patchTwins({ ...deps, clock }, tx, ids, patch, new Date()))

  test('pauses after each twin that takes a turn, and leaves those that it has no room for', async () => {
    const ids = await givenDevices(deps, 'wide', 75)
    const sleeps: number[] = []
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms) => {
        sleeps.push(ms)
      },
    }
    const patch = { desired: members(1_000, {}) }
    const first = await patchWith(clock, ids, patch)
    expect(first.changed.length).toBeGreaterThan(10)
    expect(first.largeBytes).toBe(0)
    expect(sleeps).toHaveLength(first.changed.length)
    expect(sleeps.every((ms) => ms > 0)).toBe(true)
    expect([...first.changed, ...first.postponed]).toEqual(ids)
    expect(first.postponed).not.toEqual([])
    const second = await patchWith(clock, first.postponed, patch)
    expect(second.postponed).toEqual([])
    expect(Object.keys((await readTwin(deps, everything, ids.at(-1) ?? '')).desired)).toHaveLength(1_000)
  })

  test('ends after a large twin', async () => {
    const ids = await givenDevices(deps, 'broad', 3)
    const result = await patchWith(systemClock, ids, { desired: members(4_000, {}) })
    expect(result).toMatchObject({ changed: ids.slice(0, 1), postponed: ids.slice(1) })
    expect(result.largeBytes).toBeGreaterThan(128 * 1024)
    expect(Object.keys((await readTwin(deps, everything, ids[0] ?? '')).desired)).toHaveLength(4_000)

    // The twin is large now, whatever changes it.
    const small = await patchWith(systemClock, ids, { tags: { seen: true } })
    expect(small.changed).toEqual(ids.slice(0, 1))
    expect(small.largeBytes).toBeGreaterThan(128 * 1024)
  })

  test('counts the metadata that the twins have, and that the patch will leave in them', async () => {
    const ids = await givenDevices(deps, 'counted', 110)
    const clock: Clock = { ...systemClock, sleep: async () => {} }
    const wide = { desired: members(1_000, {}) }
    // Without metadata they are far smaller than a batch may be, before the patches and after them.
    expect(ids.length * JSON.stringify(wide).length).toBeLessThan(2 * 1024 * 1024)

    const first = await patchWith(clock, ids, wide)
    expect(first.postponed).not.toEqual([])
    expect((await patchWith(clock, first.postponed, wide)).postponed).toEqual([])

    const seen = await patchWith(clock, ids, { tags: { seen: true } })
    expect([...seen.changed, ...seen.postponed]).toEqual(ids)
    expect(seen.postponed).not.toEqual([])
  })

  test('reads twins of all sizes, each once, and changes them all', async () => {
    const ids = await givenDevices(deps, 'mixed', 30)
    for (const [place, deviceId] of ids.entries()) {
      if (place % 3 === 0) await reportProperties(deps, deviceId, members(300, 1))
      if (place % 2 === 0) {
        await patchTwin(deps, everything, { deviceId, patch: { desired: members(400, 'x'.repeat(20)) }, ifMatch: '*' })
      }
    }
    const result = await deps.db.transaction((tx) => patchTwins(deps, tx, ids, { tags: { seen: true } }, new Date()))
    expect(result.changed).toEqual(ids)
    for (const [place, deviceId] of ids.entries()) {
      const { tags, desired } = await readTwin(deps, everything, deviceId)
      expect([tags.seen, Object.keys(desired).length]).toEqual([true, place % 2 === 0 ? 400 : 0])
    }
  })
})
