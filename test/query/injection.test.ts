import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Constant, childrenOf, type Expression } from '../../src/query/ast.ts'
import { compileCondition } from '../../src/query/compiler.ts'
import { deviceFields } from '../../src/query/fields.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { expression } from './arbitraries.ts'
import { insertDevices, plainDevice, selectIds } from './fleet.ts'
import { printConstant } from './print.ts'

const compile = (tree: Expression) => compileCondition({ kind: 'where', expression: tree }, deviceFields)

/** Every word the compiler may write; what stands between words is checked apart. */
const vocabulary = new Set(
  `and any at base64 boolean capabilities case coalesce collate else end encode false float8 in initcap int8 int8send
   is jsonb jsonb_typeof length not null or right starts_with strpos text then time to_char true when zone
   double_add double_multiply double_divide double_remainder array number object string UTC C
   YYYY MM DD T HH24 MI SS MS Z 0001 01 01T00 00 00Z 0
   d t id etag_version version status status_reason status_updated_time connection_state last_activity_time
   authentication_type primary_thumbprint secondary_thumbprint model_id iot_edge
   tags desired desired_metadata desired_version reported reported_metadata reported_version`.split(/\s+/),
)

test('the SQL of any condition is made of a closed vocabulary', () => {
  fc.assert(
    fc.property(expression, (tree) => {
      const { strings, values } = compile(tree)
      expect(strings).toHaveLength(values.length + 1)
      for (const text of strings) {
        expect(text.split(/\W+/).filter((word) => word !== '' && !vocabulary.has(word))).toEqual([])
        expect(text).toMatch(/^[\w\s().,:'"{}<>=@#[\]-]*$/)
      }
    }),
    { numRuns: 2000 },
  )
})

const hostile = `x'); drop table twin; --\\"$1 %_{}`

/** The same condition with something hostile before every string and every key of a document. */
const poison = (tree: Expression): Expression => {
  const taint = <T extends Constant>(value: T): T | string => (typeof value === 'string' ? hostile + value : value)
  switch (tree.kind) {
    case 'literal':
      return { ...tree, value: taint(tree.value) }
    case 'path': {
      const root = tree.segments.findIndex((segment) => /^(tags|desired|reported)$/i.test(segment)) + 1
      const keep = root === 0 ? tree.segments.length : tree.segments[root]?.startsWith('$') ? root + 1 : root
      return { ...tree, segments: tree.segments.map((segment, index) => (index < keep ? segment : hostile + segment)) }
    }
    case 'membership':
      return { ...tree, operand: poison(tree.operand), elements: tree.elements.map(taint) }
    case 'comparison':
    case 'arithmetic':
      return { ...tree, left: poison(tree.left), right: poison(tree.right) }
    case 'and':
    case 'or':
      return { ...tree, operands: tree.operands.map(poison) }
    case 'not':
    case 'negation':
    case 'typeTest':
      return { ...tree, operand: poison(tree.operand) }
    case 'textTest':
      return { ...tree, text: poison(tree.text), part: poison(tree.part) }
  }
}

const ofFewValues = new Set(['status', 'connectionstate', 'authenticationtype'])

/**
 * Text tests between constants, and comparisons of columns with few values, are decided while compiling, so their
 * outcome, not their text, may change.
 */
const isDecidedEarly = (tree: Expression): boolean =>
  (tree.kind === 'textTest' && childrenOf(tree).every((child) => child.kind !== 'path')) ||
  (tree.kind === 'path' && ofFewValues.has(tree.segments.at(-1)?.toLowerCase() ?? '')) ||
  childrenOf(tree).some(isDecidedEarly)

test('strings and keys change the values of the SQL, never its text', () => {
  fc.assert(
    fc.property(expression, (tree) => {
      fc.pre(!isDecidedEarly(tree))
      expect(compile(poison(tree)).strings).toEqual(compile(tree).strings)
    }),
    { numRuns: 2000 },
  )
})

describe('hostile text', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    await insertDevices(database.pool, [
      { ...plainDevice('a'), tags: { [hostile]: hostile, n: 1 } },
      { ...plainDevice('b'), tags: { n: 'x' } },
    ])
  })
  afterAll(() => database.drop())

  test.each([
    hostile,
    "' or '1'='1",
    "'; delete from device; --",
    '"; drop table device cascade; --',
    '\\',
    "\\'",
    '$1',
    '$$',
    '%',
    '{a,b}',
    '{"a":1}',
    '__proto__',
    '$.tags ? (@ == 1)',
    "E'\\x27'",
    '\u2028\u0001😀',
    '',
  ])('%j is only a string or a key, and the tables stand', async (text) => {
    const literal = printConstant(text)
    const conditions = [
      `deviceId = ${literal} OR deviceId IN [${literal}] OR STARTSWITH(tags.n, ${literal}) AND ENDSWITH(tags.n, 'no')`,
      `tags.[[${text}]] = 'none' OR tags.n.[[${text}]] < ${literal} OR CONTAINS(tags.[[${text}]], 'none')`,
      `tags.n = ${literal} OR tags.n IN [${literal}, 'none'] OR tags.[[${text}]] + 1 > 2`,
    ]
    for (const condition of conditions) expect(await selectIds(database.pool, parseCondition(condition))).toEqual([])
    const own = parseCondition(`tags.[[${hostile}]] = ${printConstant(hostile)}`)
    expect(await selectIds(database.pool, own)).toEqual(['a'])
    expect(await selectIds(database.pool, { kind: 'all' })).toEqual(['a', 'b'])
  })

  const fill = (piece: string, limit: number) => Array.from({ length: limit }, () => piece)
  const deep = `tags.${fill('a', 31).join('.')}`
  test.each([
    ['comparisons of paths', fill('tags.a<tags.b', 480).join(' OR ')],
    ['equalities', fill('tags.a=1', 600).join(' OR ')],
    ['deep paths', fill(`${deep}=${deep}`, 58).join(' OR ')],
    ['deep paths in long lists', fill(`${deep} IN [${fill('1', 17).join()}]`, 70).join(' OR ')],
    ['calculations', fill(`tags.n${fill('*tags.n', 30).join('')}>2`, 32).join(' OR ')],
    ['the longest list', `tags.n IN [${fill('2', 1000).join()}]`],
    ['nested comparisons', `tags.a${fill('=(tags.b=true)', 30).join('')}`],
    ['nested logic', `${'NOT(true=(tags.a AND '.repeat(10)}tags.b${'))'.repeat(10)}`],
  ])('conditions at the limits run: %s', async (_, text) => {
    expect(await selectIds(database.pool, parseCondition(text))).toEqual([])
  })
})
