import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { checkSectionPatch, checkTwinPatch } from '../../src/twin/check-patch.ts'
import { refusal } from '../support/refusal.ts'

/** `{ a: { a: … leaf } }` with so many objects inside the outermost. */
function nested(depth: number, leaf: unknown): unknown {
  return depth === 0 ? { a: leaf } : { a: nested(depth - 1, leaf) }
}

describe('a patch of one section', () => {
  test.each<readonly [sentence: string, patch: unknown]>([
    ['every kind of JSON', { a: true, b: 1.5, c: 'text', d: { e: [1, 'x', [false, { f: 1 }]] }, g: null }],
    ['an empty object', {}],
    ['a key of 1 KB', { ['k'.repeat(1024)]: 1 }],
    ['a key in any script, with dashes, slashes and quotes', { 'größe-温度/"é"': 1 }],
    ['a string of 4 KB', { a: 'é'.repeat(2048) }],
    ['control characters other than NUL in a string', { a: 'one\ntwo\t' }],
    ['a whole surrogate pair', { '😀': '😀' }],
    ['ten levels', nested(10, 1)],
    ['the largest and smallest integers', { a: 4503599627370495, b: -4503599627370496 }],
    ['a large number with a fraction', { a: 4503599627370495.5 }],
  ])('%s is taken as it is', (_sentence, patch) => {
    expect(checkSectionPatch(patch, [], defaultLimits)).toEqual(patch)
  })

  test.each<readonly [sentence: string, key: string]>([
    ['empty', ''],
    ['over 1 KB of UTF-8', `${'é'.repeat(512)}k`],
    ['with a dot', 'a.b'],
    ['with a dollar', '$a'],
    ['with a hash', 'a#'],
    ['with a blank', 'a b'],
    ['with a no-break space', 'a\u00a0b'],
    ['with a control character', 'a\u0007'],
    ['with a C1 control character', 'a\u0085'],
    ['with half of a surrogate pair', 'a\ud800'],
    ['that is __proto__', '__proto__'],
    ['that is constructor', 'constructor'],
    ['that is prototype', 'prototype'],
  ])('a key %s is refused by name, deep inside and even to delete it', (_sentence, key) => {
    // fromEntries, so that __proto__ is a member as JSON.parse would make it.
    for (const value of [1, null]) {
      const { path, message } = refusal(() =>
        checkSectionPatch({ ok: Object.fromEntries([[key, value]]) }, ['root'], defaultLimits),
      )
      expect(path).toBe(`root/ok/${key}`)
      expect(message).toContain(JSON.stringify(key).slice(1, 50).replace(/"$/, ''))
    }
    expect(() => checkSectionPatch({ ok: [Object.fromEntries([[key, 1]])] }, [], defaultLimits)).toThrow(
      InvalidInputError,
    )
  })

  test.each<readonly [sentence: string, value: unknown, path: string, message: RegExp]>([
    [
      'a string over 4 KB of UTF-8',
      { a: { b: `${'é'.repeat(2048)}x` } },
      'root/a/b',
      /"root\.a\.b" has 4097 bytes.* 4 KB/,
    ],
    ['NUL in a string', { a: 'x\0' }, 'root/a', /U\+0000/],
    ['half of a surrogate pair', { a: ['\udc00'] }, 'root/a/0', /surrogate/],
    ['an integer above 2^52 - 1', { a: 4503599627370496 }, 'root/a', /4503599627370496 .* 4503599627370495/],
    ['an integer below -2^52', { a: -4503599627370497 }, 'root/a', /-4503599627370496/],
    ['a number too large for a fraction', { a: 1e300 }, 'root/a', /Integers/],
    ['what JSON.parse makes of 1e999', JSON.parse('{"a":1e999}'), 'root/a', /finite/],
    ['not a number', { a: Number.NaN }, 'root/a', /finite/],
    ['null in an array', { a: [1, null] }, 'root/a/1', /null inside an array/],
    ['null in an object in an array', { a: [[{ b: null }]] }, 'root/a/0/0/b', /null inside an array/],
    ['eleven levels', nested(11, 1), `root${'/a'.repeat(11)}`, /10 levels/],
    ['eleven levels of arrays', { a: JSON.parse('[[[[[[[[[[[1]]]]]]]]]]]') }, `root/a${'/0'.repeat(10)}`, /10 levels/],
    ['something that is not JSON', { a: undefined }, 'root/a', /must be JSON/],
    ['an array', [], 'root', /"root" must be an object/],
    ['null', null, 'root', /"root" must be an object/],
    ['text', 'x', 'root', /"root" must be an object/],
  ])('%s is refused with its path and its limit', (_sentence, value, path, message) => {
    expect(refusal(() => checkSectionPatch(value, ['root'], defaultLimits))).toEqual({
      path,
      message: expect.stringMatching(message),
    })
  })

  test('what is nested without end is refused before it exhausts the stack', () => {
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)
    expect(() => checkSectionPatch(deep, [], defaultLimits)).toThrow(/10 levels/)
  })

  test('$metadata and $version are dropped at the root and refused below it', () => {
    expect(checkSectionPatch({ a: 1, $version: 3, $metadata: { $lastUpdated: 'x' } }, [], defaultLimits)).toEqual({
      a: 1,
    })
    expect(() => checkSectionPatch({ a: { $version: 3 } }, [], defaultLimits)).toThrow(InvalidInputError)
  })

  test('whatever is taken is JSON that comes back from its text unchanged, and no prototype is touched', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), (value) => {
        try {
          const patch = checkSectionPatch(value, [], defaultLimits)
          expect(JSON.parse(JSON.stringify(patch))).toEqual(JSON.parse(JSON.stringify(value)))
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError)
        }
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
    )
  })
})

describe('a twin patch', () => {
  test('is tags and desired properties, each only when it is there', () => {
    expect(checkTwinPatch({ tags: { a: 1 }, properties: { desired: { b: null } } }, [], defaultLimits)).toEqual({
      tags: { a: 1 },
      desired: { b: null },
    })
    expect(Object.keys(checkTwinPatch({}, [], defaultLimits))).toEqual([])
    expect(Object.keys(checkTwinPatch({ tags: undefined, properties: {} }, [], defaultLimits))).toEqual([])
  })

  test.each<readonly [sentence: string, patch: unknown, path: string, message: RegExp]>([
    ['reported properties', { properties: { reported: {} } }, 'p/properties/reported', /Only the device can write/],
    ['desired at the top', { desired: { a: 1 } }, 'p/desired', /no member "desired"/],
    ['an unknown property section', { properties: { wanted: {} } }, 'p/properties/wanted', /no member "wanted"/],
    ['null tags', { tags: null }, 'p/tags', /must be an object/],
    ['null desired properties', { properties: { desired: null } }, 'p/properties/desired', /must be an object/],
    ['properties that are no object', { properties: 1 }, 'p/properties', /must be an object/],
    ['no object at all', null, 'p', /must be an object/],
    ['a bad key', { tags: { 'a.b': 1 } }, 'p/tags/a.b', /"a\.b"/],
    ['a bad desired value', { properties: { desired: { a: [null] } } }, 'p/properties/desired/a/0', /null/],
    ['__proto__', JSON.parse('{"__proto__":{"tags":{}}}'), 'p/__proto__', /no member/],
  ])('with %s is refused with its path', (_sentence, patch, path, message) => {
    expect(refusal(() => checkTwinPatch(patch, ['p'], defaultLimits))).toEqual({
      path,
      message: expect.stringMatching(message),
    })
  })

  test('that is too large by itself is refused before it meets a twin', () => {
    const tags = Object.fromEntries([1, 2, 3].map((n) => [`k${n}`, 'x'.repeat(4000)]))
    expect(refusal(() => checkTwinPatch({ tags }, [], defaultLimits)).path).toBe('tags')
    expect(() => checkTwinPatch({ properties: { desired: tags } }, [], defaultLimits)).not.toThrow()
  })
})
