import { expect, test } from 'vitest'
import { describeValue, differencesBetween, propertiesOf, unmetIn } from '../../../src/console/device/differences.ts'

test('sections differ leaf by leaf, in the order of the paths', () => {
  const before = { interval: 30, fw: { version: '2', url: 'u' }, same: [1, { a: 1 }] }
  const after = { same: [1, { a: 1 }], fw: { version: '1', channel: 'beta' }, interval: 60 }
  expect(differencesBetween(before, after)).toEqual([
    { path: 'fw.channel', before: undefined, after: 'beta' },
    { path: 'fw.url', before: 'u', after: undefined },
    { path: 'fw.version', before: '2', after: '1' },
    { path: 'interval', before: 30, after: 60 },
  ])
})

test('what is missing as a whole is named by its leaves', () => {
  expect(differencesBetween({ fw: { version: '2', files: { a: 1 } } }, {})).toEqual([
    { path: 'fw.files.a', before: 1, after: undefined },
    { path: 'fw.version', before: '2', after: undefined },
  ])
})

test('an object beside something else is one difference, and so is an empty one that is missing', () => {
  expect(differencesBetween({ a: { b: 1 }, c: {} }, { a: 5 })).toEqual([
    { path: 'a', before: { b: 1 }, after: 5 },
    { path: 'c', before: {}, after: undefined },
  ])
})

test('names that a path cannot bear stand in brackets', () => {
  expect(differencesBetween({ 'first floor': 1 }, {})).toEqual([
    { path: '[[first floor]]', before: 1, after: undefined },
  ])
})

test('what a device reports besides is not unmet', () => {
  expect(unmetIn({ interval: 30 }, { interval: 60, uptime: 5 })).toEqual([{ path: 'interval', before: 30, after: 60 }])
  expect(unmetIn({ interval: 30 }, { interval: 30, uptime: 5 })).toEqual([])
})

test('values in sentences are JSON, and cut when they are long', () => {
  expect(describeValue('a')).toBe('"a"')
  expect(describeValue('x'.repeat(200))).toHaveLength(80)
})

test('properties that are only reported are not out of sync, and those that are are as many as are counted', () => {
  const desired = { interval: 60, fw: { version: '2' }, limits: {} }
  const reported = { battery: 81, interval: 60, fw: { version: '1', channel: 'beta' }, limits: {} }
  const properties = propertiesOf(desired, reported)
  expect(properties.map(({ path, is }) => `${path} ${is}`)).toEqual([
    'battery onlyReported',
    'fw.channel onlyReported',
    'fw.version unmet',
    'interval met',
    'limits met',
  ])
  expect(unmetIn(desired, reported)).toHaveLength(properties.filter(({ is }) => is === 'unmet').length)
})
