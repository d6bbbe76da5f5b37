import { describe, expect, test } from 'vitest'
import { parseCondition } from '../../src/query/parser.ts'
import { conditionError } from './errors.ts'
import { print } from './print.ts'

/** The tree as text with every operation in parentheses. */
const tree = (text: string): string => {
  const condition = parseCondition(text)
  return condition.kind === 'all' ? '*' : print(condition.expression)
}

describe('a condition becomes a tree', () => {
  test.each([
    // Precedence, tightest first: unary minus, * / %, + -, comparisons and IN, NOT, AND, OR.
    ['a = 1 OR b = 2 AND c = 3', '((a = 1) or ((b = 2) and (c = 3)))'],
    ['a = 1 AND b = 2 OR c = 3', '(((a = 1) and (b = 2)) or (c = 3))'],
    ['status OR version OR etag', '(status or version or etag)'],
    ['status AND version AND (etag AND tags)', '(status and version and (etag and tags))'],
    ['NOT a = b', '(NOT (a = b))'],
    ['NOT status AND version', '((NOT status) and version)'],
    ['NOT NOT status', '(NOT (NOT status))'],
    ['NOT a IN [1]', '(NOT (a IN [1]))'],
    ['a < b = true', '((a < b) = true)'],
    ['a = b < c', '((a = b) < c)'],
    ['a = 1 IN [true]', '((a = 1) IN [true])'],
    ['a + b * c - d', '((a + (b * c)) - d)'],
    ['a * b / c % d', '(((a * b) / c) % d)'],
    ['(a + b) * c', '((a + b) * c)'],
    ['a - -1', '(a - (- 1))'],
    ['- a * b', '((- a) * b)'],
    ['a = -1 + 4', '(a = ((- 1) + 4))'],
    ['a <> 1', '(a != 1)'],
    // Constants and words without case.
    ['a = TRUE and b = False', '((a = true) and (b = false))'],
    ['a = Null Or b = UNDEFINED', '((a = null) or (b = undefined))'],
    ['true', 'true'],
    ['not a in ["x"]', "(NOT (a IN ['x']))"],
    ['a nin [1, -2.5, "x", true, FALSE, null]', "(a NIN [1, -2.5, 'x', true, false, null])"],
    // Paths.
    ['Tags.Site', 'Tags.[[Site]]'],
    ['tags.[[group]].[[odd key?]]', 'tags.[[group]].[[odd key?]]'],
    ['tags . site', 'tags.[[site]]'],
    ['tags.true.null.count', 'tags.[[true]].[[null]].[[count]]'],
    ['tags.is_defined', 'tags.[[is_defined]]'],
    ['startswith = 1', '(startswith = 1)'],
    ['devices.deviceId', 'devices.[[deviceId]]'],
    // Functions.
    ['is_defined(tags.a)', 'IS_DEFINED(tags.[[a]])'],
    ["Starts_With(deviceId, 'p')", "STARTSWITH(deviceId, 'p')"],
    ["ENDS_WITH(a, 'p') and contains(a, b)", "(ENDSWITH(a, 'p') and CONTAINS(a, b))"],
    ['IS_BOOL(a = b AND c)', 'IS_BOOL(((a = b) and c))'],
    ['IS_PRIMITIVE(a) = IS_NULL(b)', '(IS_PRIMITIVE(a) = IS_NULL(b))'],
    // What a job may hold beside a bare condition.
    ['*', '*'],
    [' /* all */ * ', '*'],
    ['FROM devices', '*'],
    ['from DEVICES where a = 1', '(a = 1)'],
  ])('%s', (text, expected) => {
    expect(tree(text)).toBe(expected)
  })
})

describe('what is no condition is refused where it stops being one', () => {
  const alone = (id: string) =>
    `'${id}' is neither true nor false; to select the device with this id, write deviceId = '${id}'`
  const afterWhere = 'a condition is the part after WHERE, or * for all devices'
  test.each<[string, string, number, number]>([
    ['', 'unexpected end of condition', 1, 1],
    [' \n ', 'unexpected end of condition', 2, 2],
    ["deviceId IN ('pump-001')", "unexpected '('; expected '['", 1, 13],
    ['deviceId IN []', 'empty array; at least one element is required', 1, 14],
    ['deviceId IN [a]', "unexpected 'a'; expected a constant", 1, 14],
    ['deviceId IN [undefined]', "unexpected 'undefined'; expected a constant", 1, 14],
    ["deviceId IN [-'a']", "unexpected 'a'; expected a constant", 1, 15],
    ['deviceId IN [1,]', "unexpected ']'; expected a constant", 1, 16],
    ['deviceId IN [1 2]', "unexpected '2'; expected ']'", 1, 16],
    ["deviceId NOT IN ['a']", 'unexpected keyword NOT; write NIN instead of NOT IN', 1, 10],
    ["deviceId = 'O''Brien'", "unexpected 'Brien'", 1, 15],
    ["tags.group = 'g1'", "reserved word 'group' in path; write [[group]]", 1, 6],
    ["tags.site LIKE 'n%'", "unexpected 'LIKE'", 1, 11],
    ["tags.site == 'north'", "unexpected '='", 1, 12],
    ["tags.site = 'north' AND", 'unexpected end of condition', 1, 24],
    ["tags.site = 'north')", "unexpected ')'", 1, 20],
    ["(tags.site = 'north'", "unexpected end of condition; expected ')'", 1, 21],
    ['SELECT * FROM devices', `unexpected keyword SELECT; ${afterWhere}`, 1, 1],
    [' \n select * FROM devices WHERE a = 1', `unexpected keyword SELECT; ${afterWhere}`, 2, 2],
    ["WHERE tags.site = 'north'", `unexpected keyword WHERE; ${afterWhere}`, 1, 1],
    ['a = SELECT', 'unexpected keyword SELECT', 1, 5],
    ['a = 1 ORDER BY a', 'unexpected keyword ORDER', 1, 7],
    ['a =\n  and', 'unexpected keyword AND', 2, 3],
    ['* AND true', 'unexpected keyword AND', 1, 3],
    ['true AND *', "unexpected '*'", 1, 10],
    ['tags.', 'unexpected end of condition', 1, 6],
    ['off1', alone('off1'), 1, 1],
    [" 'off1' ", alone('off1'), 1, 2],
    ['FROM devices WHERE pump-001', alone('pump-001'), 1, 20],
    ['"O\'Brien"', alone("O\\'Brien"), 1, 1],
    ['NOT off1', alone('off1'), 1, 5],
    ['not (not [[off1]])', alone('off1'), 1, 10],
    ["off1 OR tags.site = 'north'", alone('off1'), 1, 1],
    ["tags.site = 'north' AND NOT (tags.a = 1 OR 'off1')", alone('off1'), 1, 44],
    ['FROM devices WHERE pump-001 OR pump-002', alone('pump-001'), 1, 20],
    ['tags.3rd = 1', "unexpected '.3'", 1, 5],
    ['tags.labels[0] = 1', "unexpected '['", 1, 12],
    ['true.a', "unexpected '.'", 1, 5],
    [`a '${'x'.repeat(100)}'`, `unexpected '${'x'.repeat(64)}'`, 1, 3],
    ['COUNT() > 1', 'COUNT is an aggregate; a condition cannot contain aggregates', 1, 1],
    ['IS_DEFINED()', 'IS_DEFINED takes one argument', 1, 1],
    ['IS_DEFINED(a, b)', 'IS_DEFINED takes one argument', 1, 1],
    ['IS_DEFINED(1)', 'IS_DEFINED takes a path', 1, 12],
    ['IS_DEFINED(a = b)', 'IS_DEFINED takes a path', 1, 14],
    ["STARTSWITH('a')", 'STARTSWITH takes two arguments', 1, 1],
    ["CONTAINS(a, 'b', 'c')", 'CONTAINS takes two arguments', 1, 1],
    ['IS_NULL(a,)', "unexpected ')'", 1, 11],
    ['FROM devices.modules WHERE a = 1', 'this hub has no modules; write FROM devices', 1, 6],
    ['FROM devices.jobs', "unknown collection 'devices.jobs'; write FROM devices", 1, 6],
    ['FROM devices a = 1', "unexpected 'a'; expected WHERE", 1, 14],
    ['FROM devices WHERE', 'unexpected end of condition', 1, 19],
    ['FROM devices WHERE *', "unexpected '*'", 1, 20],
    ['FROM', 'unexpected end of condition', 1, 5],
  ])('%j', (text, message, line, column) => {
    const error = conditionError(() => parseCondition(text))
    expect(error.message).toBe(`${message} (line ${line}, column ${column})`)
    expect([error.line, error.column]).toEqual([line, column])
  })

  test('but a path, a constant and the negation of a member of devices, which may be null, are none of that', () => {
    for (const text of [
      'tags.critical',
      'true',
      'false',
      'null',
      'undefined',
      'NOT statusReason',
      'off1 = tags.a',
      'IS_DEFINED(off1)',
    ]) {
      expect(() => parseCondition(text)).not.toThrow()
    }
  })

  test('an unknown function, with the known ones named', () => {
    const error = conditionError(() => parseCondition('a = 1 AND FOO(tags.site)'))
    expect(error.message).toMatch(
      /^unknown function FOO; known functions: .*IS_DEFINED.*STARTSWITH.*\(line 1, column 11\)$/,
    )
  })
})

describe('a condition has limits', () => {
  const nest = (open: string, depth: number, close: string) => `${open.repeat(depth)}tags.a${close.repeat(depth)}`

  test.each<[string, (depth: number) => string]>([
    ['parentheses', (depth) => nest('(', depth, ')')],
    ['NOT', (depth) => nest('NOT ', depth, '')],
    ['unary minus', (depth) => nest('- ', depth, '')],
    ['calls', (depth) => nest('IS_BOOL(', depth, ')')],
    ['sums', (depth) => nest('', 0, '').concat(' + 1'.repeat(depth))],
    ['products', (depth) => `a${' * 1'.repeat(depth)}`],
    ['comparisons', (depth) => `a${' = true'.repeat(depth)}`],
    ['nested junctions', (depth) => nest('(true AND ', depth, ')')],
  ])('%s nest 32 levels and no more', (_, text) => {
    expect(() => parseCondition(text(32))).not.toThrow()
    expect(conditionError(() => parseCondition(text(33))).message).toContain(
      'nested too deeply; at most 32 levels are allowed',
    )
  })

  test('nesting of chains within parentheses adds up', () => {
    const chain = (inner: string) => `(${inner}${' + 1'.repeat(20)})`
    expect(conditionError(() => parseCondition(chain(chain('a')))).message).toContain('nested too deeply')
  })

  test('the place where nesting is too deep is named', () => {
    const error = conditionError(() => parseCondition(`\n${nest('(', 33, ')')}`))
    expect([error.line, error.column]).toEqual([2, 34])
  })

  test('text that is nothing but nesting is refused without exhausting the stack', () => {
    for (const piece of ['(', 'NOT ', '-', 'IS_BOOL(', 'a+', 'a=', '(a+', 'NOT(a=-'])
      expect(conditionError(() => parseCondition(piece.repeat(8192 / piece.length))).message).toBeTruthy()
  })

  test('a flat chain of AND or OR is no nesting', () => {
    expect(() => parseCondition(Array.from({ length: 500 }, () => 'a = 1').join(' OR '))).not.toThrow()
  })

  test('2048 terms are read and no more', () => {
    const text = (operands: number) => Array.from({ length: operands }, () => '0').join(' OR ')
    expect(() => parseCondition(text(1600))).not.toThrow()
    expect(conditionError(() => parseCondition(`${'a=1OR '.repeat(700)}a=1`)).message).toContain(
      'too many terms; at most 2048 are allowed',
    )
  })

  test('an IN list holds 1000 elements and no more', () => {
    const list = (elements: number) => `deviceId IN [${Array.from({ length: elements }, (_, index) => index).join()}]`
    expect(() => parseCondition(list(1000))).not.toThrow()
    const error = conditionError(() => parseCondition(list(1001)))
    expect(error.message).toBe(`too many elements; at most 1000 are allowed (line 1, column ${list(1000).length + 1})`)
  })

  test('a path has 32 segments and no more', () => {
    const path = (segments: number) => Array.from({ length: segments }, () => 'a').join('.')
    expect(() => parseCondition(path(32))).not.toThrow()
    expect(conditionError(() => parseCondition(path(33))).message).toBe(
      'path too long; at most 32 segments are allowed (line 1, column 65)',
    )
  })

  test('an IN list may fill the longest text', () => {
    const ids = Array.from({ length: 400 }, (_, index) => `'device-${String(index).padStart(10, '0')}'`)
    const text = `deviceId IN [${ids.slice(0, 380).join()}]`
    expect(() => parseCondition(text.padEnd(8192))).not.toThrow()
    expect(conditionError(() => parseCondition(text.padEnd(8193))).message).toContain('at most 8192 are allowed')
  })
})
