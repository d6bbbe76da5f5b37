import fc from 'fast-check'
import { buildSchema, getVariableValues, Kind, type OperationDefinitionNode, parse } from 'graphql'
import { expect, test } from 'vitest'
import { planVariables } from '../../../src/graphql/transport/coerce-variables.ts'

const schema = buildSchema(`
  enum Color { RED GREEN }
  input Range { from: Int, to: Int! = 9 }
  input Filter { color: [Color!], range: Range, any: [Filter!], name: String!, weight: Float }
  input One @oneOf { a: Int, b: String }
  type Query { ok: Boolean }
`)

const operationOf = (definitions: string): OperationDefinitionNode => {
  const [definition] = parse(`query (${definitions}) { ok }`).definitions
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error('It has no operation.')
  return definition
}
const types = [
  ...['Int', 'Int!', '[Int]', '[Int!]!', 'String', 'ID', 'Boolean', 'Float', 'Color', '[Color!]', 'Range', 'Filter'],
  ...['Filter!', '[Filter]', '[[Int]]', 'One', 'Int = 3', 'Filter = { name: "by default" }', 'Unknown', 'Query'],
]
const plans = types.map((type) => {
  const operation = operationOf(`$value: ${type}`)
  return { operation, coerce: planVariables(schema, operation) }
})

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, 'RED', 'BLUE', 'text', true, 1.5, 2 ** 40, []),
  fc.integer({ min: -3, max: 3 }),
)
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 2 }),
    fc.record(
      {
        from: leaf,
        to: leaf,
        name: leaf,
        weight: leaf,
        color: tie('value'),
        range: tie('value'),
        any: tie('value'),
        a: leaf,
      },
      { requiredKeys: [] },
    ),
    fc.record(
      {
        name: fc.constant('text'),
        color: fc.constant(['RED']),
        range: fc.record({ from: fc.constant(1) }),
        any: tie('value'),
      },
      { requiredKeys: ['name'] },
    ),
  ),
}))

const byGraphql = ({ variableDefinitions = [] }: OperationDefinitionNode, given: Record<string, unknown>) =>
  getVariableValues(schema, variableDefinitions, given, { maxErrors: 50 })

test.each<[type: string, value: unknown]>([
  ['Int!', null],
  ['Int!', undefined],
  ['[Int]', 3],
  ['[Int!]!', [1, null]],
  ['Color', 'GREEN'],
  ['Color', 'BLUE'],
  ['One', { a: 1 }],
  ['One', { a: 1, b: 'x' }],
  ['One', { a: null }],
  ['Range', []],
  ['Range', { from: 1.5 }],
  ['Range', { to: null }],
  ['Filter', { name: 'x', range: {} }],
  ['Filter', { color: ['RED'] }],
  ['Filter', { name: 'x', other: 1 }],
  ['Filter', { name: 'x', any: [{ name: 'y', any: [{ name: null }] }] }],
])('%s of %j is what it is for graphql', (type, value) => {
  const operation = operationOf(`$value: ${type}`)
  expect(planVariables(schema, operation)({ value })).toEqual(byGraphql(operation, { value }))
})

test('values and errors are those of graphql', () => {
  fc.assert(
    fc.property(fc.constantFrom(...plans), anyValue, fc.boolean(), ({ operation, coerce }, value, isGiven) => {
      const given = isGiven ? { value, other: 1 } : { other: 1 }
      expect(coerce(given)).toEqual(byGraphql(operation, given))
    }),
    { numRuns: 500 },
  )
})

test('each request has objects of its own', () => {
  const coerce = planVariables(schema, operationOf('$filter: Filter!, $color: Color'))
  const given = { filter: { name: 'x', range: { from: 1 } }, color: 'RED' }
  const { coerced } = coerce(given)
  expect(coerced).toEqual({ filter: { name: 'x', range: { from: 1, to: 9 } }, color: 'RED' })
  expect(coerced?.filter).not.toBe(given.filter)
  expect(coerce(given).coerced?.filter).not.toBe(coerced?.filter)
})
