import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/json/json.ts'
import { mergeSection, mergeTags, patchBetween, replaceSection, type TwinSection } from '../../src/twin/merge.ts'

const before = '2024-05-01T10:00:00.000Z'
const time = '2024-05-02T10:00:00.000Z'
const options = { stampVersion: true }
const empty: TwinSection = { value: {}, metadata: { $lastUpdated: before, $lastUpdatedVersion: 1 }, version: 1 }

describe('values', () => {
  const cases: readonly (readonly [sentence: string, value: JsonObject, patch: JsonObject, merged: JsonObject])[] = [
    ['a new key is added', { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ['a present key is replaced', { a: 1 }, { a: 'x' }, { a: 'x' }],
    ['objects merge', { a: { b: 1, c: 2 } }, { a: { c: 3, d: 4 } }, { a: { b: 1, c: 3, d: 4 } }],
    ['null deletes', { a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null } }, { b: { d: 2 } }],
    ['deleting what is not there changes nothing', { a: 1 }, { b: null, c: { d: null } }, { a: 1, c: {} }],
    ['arrays are replaced whole', { a: [1, 2, 3] }, { a: [4] }, { a: [4] }],
    ['an object replaces a primitive', { a: 1 }, { a: { b: null, c: 2 } }, { a: { c: 2 } }],
    ['an object replaces an array', { a: [1] }, { a: { b: 2 } }, { a: { b: 2 } }],
    ['a primitive replaces an object', { a: { b: 1 } }, { a: false }, { a: false }],
    ['$metadata and $version are passed over at the root', { a: 1 }, { $version: 9, $metadata: { a: {} } }, { a: 1 }],
  ]
  test.each(cases)('%s', (_sentence, value, patch, merged) => {
    expect(mergeSection({ ...empty, value }, patch, time, options).value).toEqual(merged)
  })

  test('tags merge alike, and have no metadata', () => {
    expect(mergeTags({ a: { b: 1 }, c: 2 }, { a: { d: 3 }, c: null })).toEqual({ a: { b: 1, d: 3 } })
  })

  test('what is merged is left as it was', () => {
    const section = { ...empty, value: { a: { b: 1 } } }
    const copy = structuredClone(section)
    mergeSection(section, { a: { b: 2 } }, time, options)
    expect(section).toEqual(copy)
  })
})

describe('metadata', () => {
  const old = { $lastUpdated: before, $lastUpdatedVersion: 4 }
  const fresh = { $lastUpdated: time, $lastUpdatedVersion: 5 }
  const section: TwinSection = {
    value: { interval: 30, fw: { version: '1', channel: 'beta' }, labels: ['x'] },
    metadata: { ...old, interval: old, fw: { ...old, version: old, channel: old }, labels: old },
    version: 4,
  }

  const cases: readonly (readonly [sentence: string, patch: JsonObject, metadata: JsonObject])[] = [
    [
      'the root, the objects on the way and the leaf written are stamped, and nothing else',
      { fw: { version: '2' } },
      { ...fresh, interval: old, fw: { ...fresh, version: fresh, channel: old }, labels: old },
    ],
    [
      'what is deleted loses its metadata',
      { interval: null, fw: { channel: null } },
      { ...fresh, fw: { ...fresh, version: old }, labels: old },
    ],
    [
      'an array has one entry for the whole',
      { labels: [{ a: 1 }, 2] },
      { ...fresh, interval: old, fw: { ...old, version: old, channel: old }, labels: fresh },
    ],
    [
      'an object that becomes a leaf loses the entries below it',
      { fw: 'none' },
      { ...fresh, interval: old, fw: fresh, labels: old },
    ],
    [
      'a leaf that becomes an object gains them',
      { interval: { seconds: 1 } },
      {
        ...fresh,
        interval: { ...fresh, seconds: fresh },
        fw: { ...old, version: old, channel: old },
        labels: old,
      },
    ],
    [
      'an empty patch stamps the root',
      {},
      { ...fresh, interval: old, fw: { ...old, version: old, channel: old }, labels: old },
    ],
  ]
  test.each(cases)('%s', (_sentence, patch, metadata) => {
    expect(mergeSection(section, patch, time, options).metadata).toEqual(metadata)
  })

  test('reported properties have no $lastUpdatedVersion', () => {
    const { metadata } = mergeSection({ value: {}, metadata: {}, version: 1 }, { a: { b: 1 } }, time, {
      stampVersion: false,
    })
    const stamp = { $lastUpdated: time }
    expect(metadata).toEqual({ ...stamp, a: { ...stamp, b: stamp } })
  })
})

test('every write makes the version grow by one, also one that changes nothing', () => {
  expect(mergeSection(empty, {}, time, options).version).toBe(2)
  expect(replaceSection({ ...empty, version: 7 }, {}, time, options).version).toBe(8)
})

test('a replaced section holds the new value only, without its nulls, and all its metadata is new', () => {
  const section = { value: { a: 1, b: 2 }, metadata: { $lastUpdated: before, a: {}, b: {} }, version: 3 }
  const fresh = { $lastUpdated: time, $lastUpdatedVersion: 4 }
  expect(replaceSection(section, { b: 5, c: null }, time, options)).toEqual({
    value: { b: 5 },
    metadata: { ...fresh, b: fresh },
    version: 4,
  })
})

describe('properties of the merge', () => {
  const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'prototype', 'toString')
  const { tree } = fc.letrec<{ tree: JsonObject; json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 1, 'x'),
      fc.array(fc.integer(), { maxLength: 2 }),
      tie('tree'),
    ),
    // As JSON.parse makes them: `__proto__` is a member like any other.
    tree: fc.array(fc.tuple(key, tie('json')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  }))

  /** The entries of a metadata tree and the members of a value tree, by path; an array is a leaf. */
  function pathsOf(value: Json, path = ''): string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
    return [path, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, `${path}/${name}`))]
  }
  const withoutStamps = (paths: readonly string[]) => paths.filter((path) => !/\$lastUpdated(?:Version)?$/.test(path))

  test('metadata has an entry for each member that is held, and for no other', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 4 }), (patches) => {
        const section = patches.reduce<TwinSection>((held, patch) => mergeSection(held, patch, time, options), empty)
        expect(withoutStamps(pathsOf(section.metadata)).sort()).toEqual(pathsOf(section.value).sort())
      }),
    )
  })

  test('no null is ever held, and a patch applied twice is a patch applied once', () => {
    fc.assert(
      fc.property(tree, tree, (value, patch) => {
        const once = mergeTags(mergeTags({}, value), patch)
        expect(JSON.stringify(once)).not.toContain('null')
        expect(mergeTags(once, patch)).toEqual(once)
      }),
    )
  })

  test('the patch between two values makes one of the other', () => {
    fc.assert(
      fc.property(tree, tree, (one, other) => {
        const [before, after] = [mergeTags({}, one), mergeTags({}, other)]
        expect(mergeTags(before, patchBetween(before, after))).toEqual(after)
      }),
    )
  })

  test('no key reaches a prototype', () => {
    const ownKeys = Reflect.ownKeys(Object.prototype)
    fc.assert(
      fc.property(tree, tree, (value, patch) => {
        const merged = mergeSection({ ...empty, value }, patch, time, options)
        expect(Object.getPrototypeOf(merged.value)).toBe(Object.prototype)
        expect(Reflect.ownKeys(Object.prototype)).toEqual(ownKeys)
      }),
    )
    expect(mergeTags({}, JSON.parse('{"__proto__":{"polluted":true}}'))).not.toHaveProperty('polluted')
  })
})
