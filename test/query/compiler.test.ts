import { describe, expect, test } from 'vitest'
import { compileCondition } from '../../src/query/compiler.ts'
import { deviceFields } from '../../src/query/fields.ts'
import { parseCondition } from '../../src/query/parser.ts'

const compile = (text: string) => compileCondition(parseCondition(text), deviceFields)

const numbered = (strings: readonly string[]) => strings.reduce((sql, string, index) => `${sql}$${index}${string}`)

describe('equality takes the form an index can answer', () => {
  test.each<[string, string, unknown[]]>([
    ["deviceId = 'x'", 'd.id = $1::text', ['x']],
    ["'x' = devices.DeviceId", 'd.id = $1::text', ['x']],
    ["deviceId IN ['a', 'b', 3]", 'd.id = any($1::text[])', [['a', 'b']]],
    ["NOT deviceId NIN ['a']", 'd.id = any($1::text[])', [['a']]],
    ["deviceId > 'x'", 'd.id collate "C" > $1::text', ['x']],
    ["STARTSWITH(deviceId, 'x')", 'starts_with(d.id, $1::text)', ['x']],
    ["status = 'enabled'", 'd.status = $1::text', ['enabled']],
    ["connectionState = 'Connected'", 'd.connection_state = $1::text', ['connected']],
    ["NOT connectionState IN ['Connected', true]", 'd.connection_state = $1::text', ['disconnected']],
    ["authenticationType > 'none'", 'd.authentication_type = any($1::text[])', [['sas', 'selfSigned']]],
    [
      "NOT CONTAINS(authenticationType, 's')",
      'd.authentication_type = any($1::text[])',
      [['certificateAuthority', 'none']],
    ],
    ["connectionState = 'connected' OR status = 1", '(false or false)', []],
    ["connectionState < 'E'", 'true', []],
    ["tags.site = 'north'", 't.tags @> $1::jsonb', ['{"site":"north"}']],
    ["'north' = tags.site", 't.tags @> $1::jsonb', ['{"site":"north"}']],
    ["NOT (tags.site != 'north')", 't.tags @> $1::jsonb', ['{"site":"north"}']],
    ['tags.a.b = 0x0A', 't.tags @> $1::jsonb', ['{"a":{"b":10}}']],
    ['tags.a = -1 + 4', 't.tags @> $1::jsonb', ['{"a":3}']],
    ['tags.[["]].[[__proto__]] = null', 't.tags @> $1::jsonb', ['{"\\"":{"__proto__":null}}']],
    ['properties.desired.on', 't.desired @> $1::jsonb', ['{"on":true}']],
    [
      'NOT properties.desired.on',
      '(t.desired @> $1::jsonb or t.desired @> $2::jsonb)',
      ['{"on":false}', '{"on":null}'],
    ],
    [
      'properties.reported.a IN [1, "x"]',
      '(t.reported @> $1::jsonb or t.reported @> $2::jsonb)',
      ['{"a":1}', '{"a":"x"}'],
    ],
    ["tags.a = 1 AND deviceId = 'x'", '(t.tags @> $1::jsonb and d.id = $2::text)', ['{"a":1}', 'x']],
    ['NOT (tags.a != 1 OR tags.b != 2)', '(t.tags @> $1::jsonb and t.tags @> $2::jsonb)', ['{"a":1}', '{"b":2}']],
    ['capabilities.iotEdge', 'd.iot_edge', []],
    ['*', 'true', []],
  ])('%s', (text, sql, values) => {
    const compiled = compile(text)
    expect(numbered(compiled.strings)).toBe(sql)
    expect(compiled.values).toEqual(values)
    expect(compiled.strings).toHaveLength(compiled.values.length + 1)
  })
})

describe('what is constant is decided before the database is asked', () => {
  test.each([
    ['1 = 1', 'true'],
    ["'a' < 'b' AND 2 * 3 = 6", 'true'],
    ["'\uffee' < '😀'", 'true'],
    ['null = null', 'true'],
    ['null != null', 'false'],
    ['null = 0', 'false'],
    ['NOT (null = 0)', 'false'],
    ['null < null OR true < false', 'false'],
    ['NOT null', 'true'],
    ['NOT undefined', 'false'],
    ['NOT (undefined AND false)', 'true'],
    ['NOT (undefined AND true)', 'false'],
    ['undefined OR true', 'true'],
    ['NOT (undefined OR false)', 'false'],
    ['NOT (null OR false)', 'true'],
    ['1 OR true', 'true'],
    ['1', 'false'],
    ['1 / 0 = 1e999', 'true'],
    ['-1 / 0 < 0 AND 1 / -0 < 0', 'true'],
    ['IS_NUMBER(0 / 0) OR IS_NUMBER(1 % 0)', 'false'],
    ["IS_NUMBER(1 + '1')", 'false'],
    ['1e308 * 10 = 2e308 * 5', 'true'],
    ["IS_STRING('') AND IS_NULL(null) AND IS_BOOL(false) AND IS_PRIMITIVE(1)", 'true'],
    ['IS_PRIMITIVE(undefined) OR IS_OBJECT(1) OR IS_DEFINED(nosuch)', 'false'],
    ["STARTSWITH('abc', 'a') AND ENDSWITH('abc', 'c') AND CONTAINS('abc', 'b')", 'true'],
    ["NOT STARTSWITH('abc', 'b')", 'true'],
    ['NOT STARTSWITH(1, 1)', 'false'],
    ["1 IN [2, 1] AND '1' NIN [1] AND null IN [null]", 'true'],
    ['undefined IN [1] OR undefined NIN [1]', 'false'],
    ["tags.a = 1 OR 'a' = 'a'", 'true'],
    ['tags.a = 1 AND false', 'false'],
    ["nosuch = 1 OR deviceId.x = 'a' OR NOT properties.nosuch", 'false'],
    ['tags.a = 1e999', 'false'],
    ["STARTSWITH(version, 'x') OR NOT ENDSWITH(deviceId, 1)", '(false or (null::boolean) is false)'],
    ["status = 1 OR deviceId = null OR tags = 'x'", '(false or false or false)'],
  ])('%s is %s', (text, sql) => {
    expect(compile(text)).toEqual({ strings: [sql], values: [] })
  })
})

test('numbers travel as text, which keeps Infinity and the sign of zero from every driver', () => {
  expect(compile('tags.a < 1e999').values).toContain('Infinity')
  expect(compile('1 / (tags.a * -0) < 0').values).toContain('-0')
  const list = Array.from({ length: 17 }, (_, index) => index).join()
  expect(compile(`version IN [${list}]`).values).toEqual([list.split(',')])
})

test('the SQL grows in proportion to the condition, however it nests', () => {
  const size = (text: string) => compile(text).strings.join('$').length
  const nests: ((inner: string) => string)[] = [
    (inner) => `((${inner}) = tags.b)`,
    (inner) => `((${inner}) != (tags.a = tags.b))`,
    (inner) => `(NOT (${inner}) IN [true])`,
    (inner) => `((${inner}) NIN [1])`,
    (inner) => `IS_BOOL(${inner})`,
    (inner) => `(NOT (tags.b AND (${inner})))`,
    (inner) => `((${inner}) * tags.a - 1 % tags.b)`,
    (inner) => `(-(${inner}))`,
  ]
  for (const nest of nests) {
    const nested = (depth: number): string => (depth === 0 ? 'tags.a = tags.b' : nest(nested(depth - 1)))
    expect(size(nested(6)) - size(nested(4))).toBeLessThanOrEqual(1.5 * (size(nested(4)) - size(nested(2))) + 200)
  }
})
