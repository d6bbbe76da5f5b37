import { describe, expect, test } from 'vitest'
import type { Path, SelectItem } from '../../src/query/ast.ts'
import { parseStatement } from '../../src/query/statement.ts'
import { conditionError } from './errors.ts'
import { print } from './print.ts'

const printPath = (path: Path | undefined): string => (path === undefined ? '' : path.segments.join('.'))

const printItem = (item: SelectItem): string => {
  const value = item.kind === 'aggregate' ? `${item.name}(${printPath(item.path)})` : printPath(item.path)
  return item.alias === undefined ? value : `${value} as ${item.alias}`
}

/** The statement as it was understood. */
const understood = (text: string): string => {
  const { top, items, collection, condition, groupBy } = parseStatement(text)
  return [
    ...(top === undefined ? [] : [`top ${top}`]),
    items?.map(printItem).join(', ') ?? '*',
    `from ${collection}`,
    ...(condition.kind === 'all' ? [] : [`where ${print(condition.expression)}`]),
    ...(groupBy === undefined ? [] : [`by ${printPath(groupBy)}`]),
  ].join(' ')
}

describe('a statement becomes a tree', () => {
  test.each([
    ['SELECT * FROM devices', '* from devices'],
    ['select * from DEVICES', '* from devices'],
    ['SELECT /* all */ *\nFROM devices /* of them */', '* from devices'],
    ['SELECT * FROM devices.modules', '* from devices.modules'],
    ["SELECT * FROM Devices.Jobs WHERE jobId = 'a'", "* from devices.jobs where (jobId = 'a')"],
    ['SELECT deviceId, tags.site AS site FROM devices', 'deviceId, tags.site as site from devices'],
    ['SELECT TOP 2 deviceId FROM devices', 'top 2 deviceId from devices'],
    ['SELECT TOP 0 * FROM devices', 'top 0 * from devices'],
    ['SELECT COUNT() AS n FROM devices', 'count() as n from devices'],
    ['SELECT count(*), COUNT(tags.a) FROM devices', 'count(), count(tags.a) from devices'],
    [
      'SELECT AVG(tags.a), SUM(tags.a), MIN(tags.a), max(tags.a) FROM devices',
      'avg(tags.a), sum(tags.a), min(tags.a), max(tags.a) from devices',
    ],
    [
      'SELECT tags.site AS site, COUNT() AS n FROM devices WHERE a = 1 GROUP BY tags.site',
      'tags.site as site, count() as n from devices where (a = 1) by tags.site',
    ],
    ['SELECT tags.[[group]] AS [[order]] FROM devices', 'tags.group as order from devices'],
    // Names of aggregates are no keywords.
    ['SELECT count, tags.max AS min FROM devices', 'count, tags.max as min from devices'],
  ])('%s', (text, expected) => {
    expect(understood(text)).toBe(expected)
  })
})

describe('what is no statement is refused where it stops being one', () => {
  test.each<[string, string, number, number]>([
    ['', 'unexpected end of statement; expected SELECT', 1, 1],
    ['*', "unexpected '*'; expected SELECT", 1, 1],
    ["tags.site = 'north'", "unexpected 'tags'; expected SELECT", 1, 1],
    ['SELECT', 'unexpected end of statement', 1, 7],
    ['SELECT FROM devices', 'unexpected keyword FROM', 1, 8],
    ['SELECT *', 'unexpected end of statement; expected FROM', 1, 9],
    ['SELECT *, deviceId FROM devices', "unexpected ','; expected FROM", 1, 9],
    ['SELECT deviceId, FROM devices', 'unexpected keyword FROM', 1, 18],
    ['SELECT DISTINCT deviceId FROM devices', "unexpected 'deviceId'; expected FROM", 1, 17],
    ['SELECT deviceId id FROM devices', "unexpected 'id'; expected FROM", 1, 17],
    ['SELECT deviceId AS from FROM devices', 'unexpected keyword FROM', 1, 20],
    ['SELECT 1 FROM devices', "unexpected '1'", 1, 8],
    ['SELECT TOP deviceId FROM devices', "unexpected 'deviceId'; TOP requires a whole number", 1, 12],
    ['SELECT TOP 1.5 * FROM devices', "unexpected '1.5'; TOP requires a whole number", 1, 12],
    ['SELECT TOP -1 * FROM devices', "unexpected '-'; TOP requires a whole number", 1, 12],
    ['SELECT * FROM', 'unexpected end of statement', 1, 14],
    [
      'SELECT * FROM gadgets',
      "unknown collection 'gadgets'; known collections: devices, devices.modules, devices.jobs",
      1,
      15,
    ],
    ['SELECT * FROM devices WHERE', 'unexpected end of statement', 1, 28],
    ['SELECT * FROM devices\nWHERE *', "unexpected '*'; omit WHERE to select all rows", 2, 7],
    ['SELECT * FROM devices WHERE tags.site =', 'unexpected end of statement', 1, 40],
    ['SELECT * FROM devices WHERE a NOT IN [1]', 'unexpected keyword NOT; write NIN instead of NOT IN', 1, 31],
    ['SELECT * FROM devices WHERE COUNT() > 1', 'COUNT is an aggregate; a condition cannot contain aggregates', 1, 29],
    ['SELECT * FROM devices ORDER BY deviceId', 'unexpected keyword ORDER; ORDER BY is not supported', 1, 23],
    ['SELECT * FROM devices WHERE a = 1 ORDER BY a', 'unexpected keyword ORDER; ORDER BY is not supported', 1, 35],
    ['SELECT * FROM devices, devices.jobs', "unexpected ','", 1, 22],
    ['SELECT * FROM devices GROUP BY tags.a', 'GROUP BY requires a list of results instead of *', 1, 32],
    ['SELECT COUNT() FROM devices GROUP tags.a', "unexpected 'tags'; expected BY", 1, 35],
    ['SELECT COUNT() FROM devices GROUP BY tags.a, tags.b', "unexpected ','", 1, 44],
    ['SELECT COUNT() FROM devices GROUP BY tags.a HAVING a', "unexpected 'HAVING'", 1, 45],
    ['SELECT deviceId, COUNT() FROM devices', 'a path next to an aggregate requires GROUP BY', 1, 8],
    ['SELECT AVG() FROM devices', "unexpected ')'; AVG takes a path", 1, 12],
    ['SELECT AVG(*) FROM devices', "unexpected '*'", 1, 12],
    ['SELECT AVG(1) FROM devices', "unexpected '1'", 1, 12],
    ['SELECT SUM(tags.a + 1) FROM devices', "unexpected '+'; expected ')'", 1, 19],
    ['SELECT UPPER(a) FROM devices', 'UPPER cannot be selected; allowed: paths and COUNT, AVG, SUM, MIN, MAX', 1, 8],
    ['SELECT COUNT() FROM devices.jobs', 'devices.jobs cannot be aggregated', 1, 8],
    ['SELECT status FROM devices.jobs GROUP BY status', 'devices.jobs cannot be grouped', 1, 42],
  ])('%j', (text, message, line, column) => {
    const error = conditionError(() => parseStatement(text))
    expect(error.message).toBe(`${message} (line ${line}, column ${column})`)
    expect([error.line, error.column]).toEqual([line, column])
  })

  test('a statement of 8192 characters is read, and none longer', () => {
    expect(() => parseStatement('SELECT * FROM devices'.padEnd(8192))).not.toThrow()
    expect(conditionError(() => parseStatement('SELECT * FROM devices'.padEnd(8193))).message).toContain(
      'the statement has 8193 characters; at most 8192 are allowed',
    )
  })

  test('256 results are read, and no more', () => {
    const list = (length: number) => Array.from({ length }, (_, index) => `tags.a${index}`).join()
    expect(() => parseStatement(`SELECT ${list(256)} FROM devices`)).not.toThrow()
    expect(conditionError(() => parseStatement(`SELECT ${list(257)} FROM devices`)).message).toContain(
      'too many results; at most 256 can be selected',
    )
  })
})

describe('strict mode refuses what Azure IoT Hub refuses', () => {
  test.each([
    ["SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'a')", 'STARTS_WITH is not allowed in strict mode'],
    ["SELECT * FROM devices WHERE ENDS_WITH(deviceId, 'a')", 'ENDS_WITH is not allowed in strict mode'],
    ["SELECT * FROM devices WHERE NOT (CONTAINS(deviceId, 'a'))", 'CONTAINS is not allowed in strict mode'],
    ['SELECT * FROM devices WHERE is_string(tags.a)', 'is_string is not allowed in strict mode'],
    ['SELECT * FROM devices WHERE IS_NULL(tags.a)', 'IS_NULL is not allowed in strict mode'],
    ['SELECT deviceId FROM devices.jobs', 'only * can be selected from devices.jobs in strict mode'],
  ])('%s', (text, message) => {
    expect(() => parseStatement(text)).not.toThrow()
    expect(conditionError(() => parseStatement(text, { strict: true })).message).toContain(message)
  })

  test.each([
    "SELECT deviceId, tags.a FROM devices WHERE IS_DEFINED(tags.a) AND STARTSWITH(a, 'b') OR endswith(a, 'b')",
    'SELECT TOP 3 tags.a, COUNT() AS n FROM devices WHERE a NIN [1] GROUP BY tags.a',
    "SELECT * FROM devices.jobs WHERE jobId = 'a'",
  ])('and takes %s', (text) => {
    expect(() => parseStatement(text, { strict: true })).not.toThrow()
  })
})
