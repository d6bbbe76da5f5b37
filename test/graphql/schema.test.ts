import { readFile } from 'node:fs/promises'
import {
  type GraphQLField,
  GraphQLInt,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getIntrospectionQuery,
  getNamedType,
  introspectionFromSchema,
  isAbstractType,
  isNonNullType,
  isObjectType,
  parse,
  printSchema,
  specifiedRules,
  validate,
} from 'graphql'
import { expect, test } from 'vitest'
import { shapeErrors } from '../../src/graphql/complexity.ts'
import { schema } from '../../src/graphql/schema.ts'

test('schema.graphql is what the program prints', async () => {
  const stored = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8')
  expect(`${printSchema(schema)}\n`, 'run `npm run schema`').toBe(stored)
})

test('every type, field, argument, enum value and input field is described', () => {
  const undescribed: string[] = []
  const look = (name: string, thing: { readonly description?: string | null | undefined }): void => {
    if (!thing.description?.trim()) undescribed.push(name)
  }
  for (const type of introspectionFromSchema(schema).__schema.types) {
    if (type.name.startsWith('__')) continue
    look(type.name, type)
    const fields = ('fields' in type && type.fields) || []
    const inputFields = ('inputFields' in type && type.inputFields) || []
    const enumValues = ('enumValues' in type && type.enumValues) || []
    for (const field of fields) {
      look(`${type.name}.${field.name}`, field)
      for (const argument of field.args) look(`${type.name}.${field.name}(${argument.name})`, argument)
    }
    for (const field of inputFields) look(`${type.name}.${field.name}`, field)
    for (const value of enumValues) look(`${type.name}.${value.name}`, value)
  }
  expect(undescribed).toEqual([])
})

/** Fields that are not null although they look as if they could fail, and why. */
const neverNull: Readonly<Record<string, string>> = {
  'Query.hub': 'reads nothing',
  'Query.viewer': 'reads nothing',
  'Job.family': 'reads nothing; its fields do',
  'Telemetry.contentType': 'reads nothing',
  // A client must not take the cursor of an update without its device jobs.
  'DeviceJobEndedUpdate.deviceJobs': 'the rest of the update means nothing without them',
}

/**
 * Whether a field can fail by itself. It requires a right, or it reads: its resolver takes the context, which has the
 * database, or it calls a function of its row.
 */
function canFail({ name, extensions }: GraphQLField<unknown, unknown>): boolean {
  const { authScopes, resolve }: { authScopes?: unknown; resolve?: (...all: unknown[]) => unknown } = Object(
    extensions.pothosOptions,
  )
  // The plugin of Relay makes the global ID from the row.
  if (resolve === undefined || name === 'id') return authScopes !== undefined
  return authScopes !== undefined || resolve.length >= 3 || /\w\(\)/.test(String(resolve))
}

const fieldsOf = (type: GraphQLObjectType) => Object.values(type.getFields())
const nullableFields = (type: GraphQLObjectType) => fieldsOf(type).filter((field) => !isNonNullType(field.type))

test('a field that can fail by itself is nullable, so that its error leaves the rest of the answer', () => {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType)
  // A subscription has one field, so there is no rest.
  const failing = types
    .filter((type) => type !== schema.getSubscriptionType())
    .flatMap((type) => fieldsOf(type).map((field) => ({ name: `${type.name}.${field.name}`, field })))
    .filter(({ field }) => canFail(field))
  expect(failing.length).toBeGreaterThan(40)
  const strict = failing.filter(({ field }) => isNonNullType(field.type)).map(({ name }) => name)
  expect(strict.sort()).toEqual(Object.keys(neverNull).sort())
})

/** What mutations and subscriptions answer that no cache has, and why. */
const notCached: Readonly<Record<string, string>> = {
  InvokeDeviceMethodPayload: 'a method call changes nothing that the hub keeps',
  Telemetry: 'the hub does not keep messages',
}

test('what a mutation or a subscription changes has a global ID, by which caches find it', () => {
  const possible = (type: GraphQLNamedType): readonly GraphQLObjectType[] =>
    isAbstractType(type) ? schema.getPossibleTypes(type) : [type].filter(isObjectType)
  const below = (type: GraphQLObjectType) => fieldsOf(type).map((field) => getNamedType(field.type))
  const hasId = (type: GraphQLObjectType): boolean => below(type).some(({ name }) => name === 'ID')
  const leadsToId = (type: GraphQLObjectType): boolean =>
    hasId(type) || below(type).some((next) => possible(next).some(isAbstractType(next) ? leadsToId : hasId))
  const changes = [schema.getMutationType(), schema.getSubscriptionType()]
    .flatMap((root) => (root ? below(root) : []))
    .flatMap(possible)
    .filter((type) => !type.getInterfaces().some(({ name }) => name === 'Error'))
  expect(changes.length).toBeGreaterThan(10)
  const without = changes.filter((type) => !leadsToId(type)).map(({ name }) => name)
  expect(without.sort()).toEqual(Object.keys(notCached).sort())
})

test('every nullable field says when it is null', () => {
  const silent = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) =>
      nullableFields(type).map(({ name, description }) => ({ name: `${type.name}.${name}`, description })),
    )
    .filter(({ description }) => !/\bnull\b/i.test(description ?? ''))
  expect(silent.map(({ name }) => name)).toEqual([])
})

test('no argument makes the complexity of a field negative, so that it cannot make up for other fields', () => {
  const fields = Object.values(schema.getTypeMap()).filter(isObjectType).flatMap(fieldsOf)
  const weighing = fields.filter(
    ({ args, extensions }) => args.length > 0 && typeof extensions.complexity === 'function',
  )
  expect(weighing.length).toBeGreaterThan(10)
  const numbers = [-1_000_000, 0]
  const negative = weighing.flatMap((field) =>
    numbers.flatMap((number) => {
      const { name, args, extensions } = field
      const given = args.map((argument): [string, unknown] => [
        argument.name,
        getNamedType(argument.type) === GraphQLInt ? number : undefined,
      ])
      const weight: unknown = Reflect.apply(Object(extensions.complexity), undefined, [
        Object.fromEntries(given),
        {},
        field,
      ])
      const parts = typeof weight === 'number' ? [weight] : Object.values(Object(weight))
      return parts.some((part) => !(Number(part) >= 0)) ? [`${name} with ${number}`] : []
    }),
  )
  expect(negative).toEqual([])
})

test('the introspection of clients is within the limits', () => {
  const document = parse(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }))
  expect(shapeErrors(document)).toEqual([])
})

test('the examples of docs/graphql.md fit the schema and its limits', async () => {
  const page = await readFile(new URL('../../docs/graphql.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/```graphql\n(.*?)```/gs)].map(([, example = '']) => example)
  expect(examples.length).toBeGreaterThan(0)
  for (const example of examples) {
    const document = parse(example)
    expect([...shapeErrors(document), ...validate(schema, document, specifiedRules)]).toEqual([])
  }
})
