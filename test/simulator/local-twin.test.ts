import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/json/json.ts'
import {
  applyDesired,
  applyReported,
  reportBack,
  twinFromDocument,
  unknownTwin,
} from '../../src/simulator/local-twin.ts'

const twin = { desired: { a: 1, b: { c: 2, d: 3 } }, desiredVersion: 4, reported: { a: 1 } }

test('a twin read from the hub is kept without its versions', () => {
  const document = { desired: { a: 1, $version: 4 }, reported: { a: 2, $version: 9 } }
  expect(twinFromDocument(document)).toStrictEqual({ desired: { a: 1 }, desiredVersion: 4, reported: { a: 2 } })
  expect(twinFromDocument({})).toStrictEqual(unknownTwin)
})

test.each<[string, JsonObject, JsonObject]>([
  ['adds', { e: [1] }, { a: 1, b: { c: 2, d: 3 }, e: [1] }],
  ['replaces', { a: 'x' }, { a: 'x', b: { c: 2, d: 3 } }],
  ['removes with null', { a: null }, { b: { c: 2, d: 3 } }],
  ['merges inside', { b: { c: null, e: 4 } }, { a: 1, b: { d: 3, e: 4 } }],
  ['puts an object in place of a value', { a: { x: 1, y: null } }, { a: { x: 1 }, b: { c: 2, d: 3 } }],
  ['puts a value in place of an object', { b: 0 }, { a: 1, b: 0 }],
])('a desired patch %s', (_what, patch, desired) => {
  expect(applyDesired(twin, { ...patch, $version: 5 }, 5)).toStrictEqual({ ...twin, desired, desiredVersion: 5 })
})

test.each([4, 3])('a desired patch of version %d is old news to a device that has version 4', (version) => {
  expect(applyDesired(twin, { a: 9 }, version)).toBe(twin)
})

test.each<[string, JsonObject, readonly string[], JsonObject | undefined]>([
  ['what differs', { a: 7 }, ['a'], { a: 1 }],
  ['nothing when nothing differs', { a: 1, b: { d: 3, c: 2 } }, ['a', 'b'], undefined],
  ['what it has never reported', {}, ['b'], { b: { c: 2, d: 3 } }],
  ['that a property has gone', { gone: 1 }, ['gone'], { gone: null }],
  ['nothing it was not asked to', {}, [], undefined],
])('a device reports back %s', (_what, reported, names, patch) => {
  expect(reportBack({ ...twin, reported }, names)).toStrictEqual(patch)
})

test('what a device has reported back it does not report again', () => {
  const patch = reportBack(twin, ['b'])
  expect(reportBack(applyReported(twin, patch ?? {}), ['b'])).toBeUndefined()
})
