import { expect, test } from 'vitest'
import { checkGroupedCondition, groupsIn, replaceGroups } from '../../src/query/device-groups.ts'
import { parseCondition } from '../../src/query/parser.ts'

const groups = new Map([
  ['north', "tags.site = 'north' OR tags.site = 'far north'"],
  ['pumps', "FROM devices WHERE tags.kind = 'pump'"],
  ['all', '*'],
])

test.each([
  ["group('north')", "(tags.site = 'north' OR tags.site = 'far north')"],
  ['GROUP ( "pumps" ) AND tags.a = 1', "(tags.kind = 'pump') AND tags.a = 1"],
  ["NOT group('pumps') OR group('all')", "NOT (tags.kind = 'pump') OR true"],
  ["FROM devices WHERE group('pumps')", "FROM devices WHERE (tags.kind = 'pump')"],
  ["group(/* which */ 'pumps')", "(tags.kind = 'pump')"],
  ["tags.[[group]] = 'north'", "tags.[[group]] = 'north'"],
  ["tags.a = 'group(1)'", "tags.a = 'group(1)'"],
])('%s is %s', (text, replaced) => {
  expect(replaceGroups(text, groups)).toBe(replaced)
  parseCondition(replaced)
})

test('a condition names each of its groups once', () => {
  expect(groupsIn("group('b') OR group('a') AND group('b')")).toEqual(['b', 'a'])
  expect(groupsIn('tags.groups = 1')).toEqual([])
})

test.each([
  ["tags.a = 1 AND\n  group('south')", "there is no device group 'south' (line 2, column 3)"],
  ['group(north)', "group takes the name of a device group, such as group('north-pumps') (line 1, column 1)"],
  ['group()', "group takes the name of a device group, such as group('north-pumps') (line 1, column 1)"],
  [
    "group('north', 'pumps')",
    "group takes the name of a device group, such as group('north-pumps') (line 1, column 1)",
  ],
  ["tags.group('north')", "reserved word 'group' in path; write [[group]] (line 1, column 6)"],
  ["group('north') AND", 'unexpected end of condition (line 1, column 19)'],
  ["group(\n'north') = = 1", "unexpected '=' (line 2, column 12)"],
])('%j is refused at its position', (text, message) => {
  expect(() => replaceGroups(text, groups)).toThrow(message)
})

test('a condition that is too long with its groups is refused at the first of them', () => {
  const long = new Map([['long', `tags.a = '${'a'.repeat(5000)}'`]])
  expect(() => replaceGroups("tags.b = 1 OR group('long') OR group('long')", long)).toThrow(
    'with the conditions of its device groups, the condition has 10044 characters; at most 8192 are allowed (line 1, column 15)',
  )
  const deep = new Map([['deep', `${'NOT ('.repeat(15)}tags.a = 1${')'.repeat(15)}`]])
  expect(() => replaceGroups(`${'('.repeat(10)}group('deep')${')'.repeat(10)}`, deep)).toThrow(
    'with the conditions of its device groups, the condition has too many terms or levels (line 1, column 11)',
  )
})

test('a condition can be checked before its groups are known', () => {
  checkGroupedCondition("group('unknown') AND tags.a = 1")
  expect(() => checkGroupedCondition("group('unknown') AND")).toThrow('unexpected end of condition (line 1, column 21)')
})

test('the parser refuses groups, because nothing has put their conditions in', () => {
  expect(() => parseCondition("tags.a = 1 AND group('north')")).toThrow(
    'a device group can be named in conditions over GraphQL only, and not in the condition of a group (line 1, column 16)',
  )
})
