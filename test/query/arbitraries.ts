import fc from 'fast-check'
import type { Json, JsonObject } from '../../src/json/json.ts'
import type { ArithmeticOperator, ComparisonOperator, Constant, Expression, Path } from '../../src/query/ast.ts'
import { deviceFields } from '../../src/query/fields.ts'
import { functions } from '../../src/query/function-signatures.ts'
import { refuseBareWords } from '../../src/query/refuse-bare-words.ts'
import type { TestDevice } from './fleet.ts'

// Twins and conditions that meet often: both draw their keys and values from the same small, partly hostile pools.

const position = { line: 1, column: 1 }

const keys = [
  ...[
    'site',
    'floor',
    'a',
    '__proto__',
    'constructor',
    'a.b',
    '',
    "'",
    '"',
    '\\',
    '%',
    '_',
    'ü',
    '😀',
    '0',
    '-1',
    '$1',
  ],
  ...["'; drop table twin; --", '{a,b}', 'a]b', 'toString', 'null'],
]
const texts = [
  ...[
    'north',
    'north-1',
    'n',
    '',
    '3',
    'true',
    'A',
    'a',
    'B',
    "O'Hare",
    '"',
    '\\',
    '%',
    '_',
    'n%',
    'ü',
    '😀',
    '\uffee',
  ],
  ...["'; drop table twin; --", '$1', '{}', 'line\nend', '2024-05-01T00:00:00.000Z', 'Connected', 'enabled', 'd1'],
]
const numbers = [
  ...[0, 1, 2, 3, -1, 0.1, 0.5, 2.5, 1e21, 1e308, -1e308, 1e-300, 2 ** 52],
  ...[Number.MAX_VALUE, Number.MIN_VALUE, 3 * Number.MIN_VALUE, -(2 ** -1022), 2 ** 53 - 1, 2 ** 1023 + 2 ** 971],
]

const key = fc.constantFrom(...keys)
const wellFormed = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('\0'))
const textValue = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...texts) }, { weight: 1, arbitrary: wellFormed })
// JSON has one zero.
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const numberValue = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...numbers) }, { weight: 1, arbitrary: double })

/** An object whose keys are its own, `__proto__` included. */
const objectOf = (value: fc.Arbitrary<Json>, maxLength: number): fc.Arbitrary<JsonObject> =>
  fc.array(fc.tuple(key, value), { maxLength }).map((entries) => Object.fromEntries(entries))

const scalar: fc.Arbitrary<Json> = fc.oneof(textValue, numberValue, fc.boolean(), fc.constant(null))
const shallow = fc.oneof(
  { weight: 8, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 2, arbitrary: objectOf(scalar, 4) },
)
const section = objectOf(
  fc.oneof({ weight: 3, arbitrary: shallow }, { weight: 1, arbitrary: objectOf(shallow, 4) }),
  10,
)
const time = fc.constantFrom(null, '2024-05-01T00:00:00.000Z', '2023-12-31T23:59:59.999Z', '0099-01-01T00:00:00.000Z')

/** A device of every kind; its id is made unique by the caller. */
export const testDevice: fc.Arbitrary<TestDevice> = fc.record({
  id: fc.constantFrom('d', 'north', 'A', "O'Brien", '%', '_'),
  status: fc.constantFrom('enabled' as const, 'disabled' as const),
  statusReason: fc.oneof(textValue, fc.constant(null)),
  statusUpdatedTime: time,
  connectionState: fc.constantFrom('connected' as const, 'disconnected' as const),
  lastActivityTime: time,
  authenticationType: fc.constantFrom('sas' as const, 'selfSigned' as const),
  primaryThumbprint: fc.constantFrom(null, 'A', 'B'),
  iotEdge: fc.boolean(),
  modelId: textValue,
  etagVersion: fc.constantFrom(1, 2, 300),
  version: fc.constantFrom(1, 2, 3),
  tags: section,
  desired: section,
  desiredVersion: fc.constantFrom(1, 2, 3),
  reported: section,
  reportedMetadata: section,
  reportedVersion: fc.constantFrom(1, 2, 3),
})

const rootPaths = [
  ...['deviceId', 'DEVICEID', 'etag', 'deviceEtag', 'version', 'status', 'statusReason', 'statusUpdateTime'],
  ...['connectionState', 'lastActivityTime', 'cloudToDeviceMessageCount', 'authenticationType', 'modelId', 'tags'],
  ...['x509Thumbprint.primaryThumbprint', 'x509thumbprint.SecondaryThumbprint', 'x509Thumbprint', 'capabilities'],
  ...['capabilities.iotEdge', 'properties', 'properties.desired', 'properties.reported', 'nosuch', 'deviceId.a'],
  ...['properties.desired.$version', 'properties.reported.$version', 'properties.reported.$metadata', '__proto__'],
  ...['properties.desired.$version.a', 'constructor.name', 'devices', 'devices.deviceId', 'devices.devices.deviceId'],
].map((path) => path.split('.'))
const sections = [
  'tags',
  'Tags',
  'devices.tags',
  'properties.desired',
  'PROPERTIES.Reported',
  'properties.reported.$metadata',
]
const documentPath = fc
  .tuple(fc.constantFrom(...sections), fc.array(key, { minLength: 1, maxLength: 3 }))
  .map(([root, rest]) => [...root.split('.'), ...rest])
/** A path to something or nothing. */
export const path = fc
  .oneof({ weight: 2, arbitrary: fc.constantFrom(...rootPaths) }, { weight: 5, arbitrary: documentPath })
  .map((segments): Path => ({ kind: 'path', segments, position }))

const constant: fc.Arbitrary<Constant> = fc.oneof(
  textValue,
  numberValue.map(Math.abs),
  fc.boolean(),
  fc.constantFrom(null, undefined, Infinity),
)
const literal = constant.map((value): Expression => ({ kind: 'literal', value, position }))

const element = fc.oneof(textValue, numberValue, fc.boolean(), fc.constantFrom(null, Infinity, -Infinity))
const elements = fc.oneof(
  { weight: 5, arbitrary: fc.array(element, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(element, { minLength: 17, maxLength: 20 }) },
)

const comparisonOperator = fc.constantFrom<ComparisonOperator>('=', '!=', '<', '<=', '>', '>=')
const arithmeticOperator = fc.constantFrom<ArithmeticOperator>('+', '-', '*', '/', '%')
const typeTests = [...functions.values()].flatMap((rule) => (rule.kind === 'typeTest' ? [rule] : []))

const operation = (operand: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('comparison' as const),
        operator: comparisonOperator,
        left: operand,
        right: operand,
        position: fc.constant(position),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('membership' as const),
        negated: fc.boolean(),
        operand,
        elements,
        position: fc.constant(position),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        operands: fc.array(operand, { minLength: 2, maxLength: 4 }),
        position: fc.constant(position),
      }),
    },
    {
      weight: 2,
      arbitrary: operand.map((inner): Expression => ({ kind: 'not', operand: inner, position })),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('arithmetic' as const),
        operator: arithmeticOperator,
        left: operand,
        right: operand,
        position: fc.constant(position),
      }),
    },
    { weight: 1, arbitrary: operand.map((inner): Expression => ({ kind: 'negation', operand: inner, position })) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...typeTests), operand, path).map(
        ([rule, inner, onPath]): Expression => ({
          kind: 'typeTest',
          types: rule.types,
          operand: rule.pathOnly ? onPath : inner,
          position,
        }),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('textTest' as const),
        test: fc.constantFrom('startsWith' as const, 'endsWith' as const, 'contains' as const),
        text: operand,
        part: operand,
        position: fc.constant(position),
      }),
    },
  )

const leaf = fc.oneof({ weight: 3, arbitrary: path }, { weight: 2, arbitrary: literal })

/** Conditions up to four operations deep, most of them shallow; every one can be printed. */
export const expression: fc.Arbitrary<Expression> = (() => {
  const one = operation(leaf)
  const two = operation(fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 1, arbitrary: one }))
  const three = operation(fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 2, arbitrary: two }))
  const four = operation(fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 2, arbitrary: three }))
  return fc.oneof(
    { weight: 1, arbitrary: path },
    { weight: 6, arbitrary: one },
    { weight: 4, arbitrary: two },
    { weight: 2, arbitrary: three },
    { weight: 1, arbitrary: four },
  )
})()

/** Those that are no bare word, and have none where something true or false is needed: they can be parsed back, too. */
export const condition: fc.Arbitrary<Expression> = expression.filter((tree) => {
  try {
    refuseBareWords({ kind: 'where', expression: tree }, deviceFields)
    return true
  } catch {
    return false
  }
})
