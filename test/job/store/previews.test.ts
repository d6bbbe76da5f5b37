import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDevices } from '../../../src/device/commands.ts'
import { readMatches } from '../../../src/job/store/previews.ts'
import type { Json, JsonObject } from '../../../src/json/json.ts'
import { compileCondition } from '../../../src/query/compiler.ts'
import { deviceFields } from '../../../src/query/fields.ts'
import { everything } from '../../../src/scope.ts'
import { checkSectionPatch } from '../../../src/twin/check-patch.ts'
import { mergeTags } from '../../../src/twin/merge.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { unhurried } from '../../support/unhurried.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

const everyDevice = compileCondition({ kind: 'all' }, deviceFields)

// Few keys and values, so that patches and twins often agree.
const key = fc.constantFrom('a', 'b', '0')
const scalar = fc.constantFrom<Json>(1, 2, '1', true, [], [1], [1, 2], [{ a: 1 }], {})
const objectOf = (value: fc.Arbitrary<Json>, maxLength = 3): fc.Arbitrary<JsonObject> =>
  fc.array(fc.tuple(key, value), { maxLength }).map((entries) => Object.fromEntries(entries))
const sectionOf = (leaf: fc.Arbitrary<Json>) => objectOf(fc.oneof(leaf, objectOf(fc.oneof(leaf, objectOf(leaf, 2)))))
const twin = fc.record({ tags: sectionOf(scalar), desired: sectionOf(scalar) })
const change = sectionOf(fc.oneof(scalar, fc.constant(null)))
const patch = fc.oneof(
  fc.record({ tags: change }),
  fc.record({ desired: change }),
  fc.record({ tags: change, desired: change }),
)

/** A value in which the order of members means nothing. */
const canonical = (value: Json): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, member]) => [name, canonical(member)]),
      )
    : value
const staysAs = (section: JsonObject, change: JsonObject = {}): boolean =>
  JSON.stringify(canonical(mergeTags(section, change))) === JSON.stringify(canonical(section))

test('a twin complies with a patch exactly when merging it would change nothing', async () => {
  const twins = fc.sample(twin, 150)
  await createDevices(
    deps,
    everything,
    twins.map(({ tags, desired }, index) => ({
      deviceId: `d${index}`,
      twin: { tags, properties: { desired } },
    })),
  )
  let complied = 0
  await fc.assert(
    fc.asyncProperty(patch, async (given) => {
      const wanted: { tags?: JsonObject; desired?: JsonObject } = given
      for (const section of Object.values(wanted)) checkSectionPatch(section, [], deps.limits)
      const { compliantCount } = await readMatches(unhurried(deps.db), everything, everyDevice, { patch: wanted })
      const expected = twins.filter(
        ({ tags, desired }) => staysAs(tags, wanted.tags) && staysAs(desired, wanted.desired),
      ).length
      expect(compliantCount).toBe(expected)
      complied += expected
    }),
    { numRuns: 200 },
  )
  expect(complied).toBeGreaterThan(0)
})

test('counting stops at a limit', async () => {
  expect((await readMatches(unhurried(deps.db), everything, everyDevice, { limit: 100 })).deviceCount).toBe(100)
})

test('a patch may have as many members as fit into it', async () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `n${index}`)
  const desired = {
    gone: Object.fromEntries(names.map((name) => [name, null])),
    lists: Object.fromEntries(names.map((name) => [name, []])),
  }
  expect((await readMatches(unhurried(deps.db), everything, everyDevice, { patch: { desired } })).compliantCount).toBe(
    0,
  )
})
