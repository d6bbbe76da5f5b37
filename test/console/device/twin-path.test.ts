import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printPath, readPath, readTwinPath, shortNameOf, valueAt } from '../../../src/console/device/twin-path.ts'

test('a path that was printed is read back as its names', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[\]\n\r\u2028\u2029]/.test(text))
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      expect(readPath(printPath(names))).toEqual(names)
    }),
  )
})

test.each(['', '.', 'a.', '.a', 'a b', '[[a', 'a..b'])('%j is no path', (text) => {
  expect(readPath(text)).toBeUndefined()
})

test('columns are below tags and properties, in one spelling', () => {
  expect(readTwinPath(' Tags.building ')).toBe('tags.building')
  expect(readTwinPath('properties.Reported.[[fw]].version')).toBe('properties.reported.fw.version')
  for (const text of ['tags', 'properties.desired', 'status', 'deviceId.a', 'properties.other.a']) {
    expect(readTwinPath(text)).toBeUndefined()
  }
  expect(shortNameOf('properties.reported.fw.version')).toBe('fw.version')
})

test('a value is found by its path, and nothing where there is none', () => {
  const twin = { tags: { a: { 'b c': 1 }, list: [1] }, properties: { desired: {}, reported: { fw: null } } }
  expect(valueAt(twin, 'tags.a.[[b c]]')).toBe(1)
  expect(valueAt(twin, 'properties.reported.fw')).toBe(null)
  expect(valueAt(twin, 'tags.list.0')).toBeUndefined()
  expect(valueAt(twin, 'tags.toString')).toBeUndefined()
  expect(valueAt(twin, 'tags.a.x.y')).toBeUndefined()
})
