import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/console/device/json.ts'
import { applyPatch, patchBetween, removes, withoutNulls } from '../../../src/console/pages/device/merge-patch.ts'
import type { JsonObject as HubObject } from '../../../src/json/json.ts'
import { mergeTags } from '../../../src/twin/merge.ts'

// Few names, so that two documents often meet at the same places; some that are awkward in JavaScript.
const names = fc.constantFrom('a', 'b', 'c', '__proto__', 'toString')
const leaf = fc.oneof(fc.constantFrom(1, 2, 'x', true, false), fc.array(fc.constantFrom(1, 'y'), { maxLength: 2 }))
const member = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('object')),
  object: fc
    .uniqueArray(fc.tuple(names, tie('value')), { selector: ([name]) => name, maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
}))
const section = member.object
/** What somebody may type: with `null` members. */
const typed = fc
  .tuple(section, names, fc.boolean())
  .map(([value, name, isNull]) => (isNull ? Object.fromEntries([...Object.entries(value), [name, null]]) : value))
const asHub = (value: JsonObject): HubObject => JSON.parse(JSON.stringify(value))

describe('the patch between two sections', () => {
  test('makes one of the other when the hub merges it', () => {
    fc.assert(
      fc.property(section, typed, (before, after) => {
        const merged = mergeTags(asHub(before), asHub(patchBetween(before, after)))
        expect(merged).toEqual(withoutNulls(after))
      }),
    )
  })

  test('is applied here as the hub applies it', () => {
    fc.assert(
      fc.property(section, typed, (before, patch) => {
        expect(applyPatch(before, patch)).toEqual(mergeTags(asHub(before), asHub(patch)))
      }),
    )
  })

  test('is empty when they are the same, in whatever order their members stand', () => {
    fc.assert(
      fc.property(section, (before) => {
        const turned = Object.fromEntries(Object.entries(before).reverse())
        expect(patchBetween(before, turned)).toEqual({})
      }),
    )
  })

  test('has nothing that could be left out', () => {
    fc.assert(
      fc.property(section, section, (before, after) => {
        const patch = patchBetween(before, after)
        for (const name of Object.keys(patch)) {
          const { [name]: _left, ...rest } = patch
          expect(applyPatch(before, rest)).not.toEqual(after)
        }
      }),
    )
  })

  const cases: readonly (readonly [sentence: string, before: JsonObject, after: JsonObject, patch: JsonObject])[] = [
    ['names what is new and what is different', { a: 1, b: 2 }, { a: 1, b: 3, c: 4 }, { b: 3, c: 4 }],
    ['removes with null what is gone', { a: 1, b: { c: 1, d: 2 } }, { b: { d: 2 } }, { a: null, b: { c: null } }],
    ['takes null for what is not there', { a: 1 }, { a: null, b: null }, { a: null }],
    ['drops nulls in new objects, which would delete nothing', {}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    ['replaces arrays whole', { a: [1, 2], b: [1] }, { a: [1, 3], b: [1] }, { a: [1, 3] }],
    ['empties an object member by member', { a: { b: 1 } }, { a: {} }, { a: { b: null } }],
    ['puts an object in the place of something else', { a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
  ]
  test.each(cases)('%s', (_sentence, before, after, patch) => {
    expect(patchBetween(before, after)).toEqual(patch)
  })
})

test('a patch removes when there is a null in it, at any depth', () => {
  expect(removes({ a: 1, b: { c: { d: null } } })).toBe(true)
  expect(removes({ a: 1, b: { c: [] } })).toBe(false)
})
