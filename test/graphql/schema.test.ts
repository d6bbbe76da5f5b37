import { readFile } from 'node:fs/promises'
import { getIntrospectionQuery, introspectionFromSchema, parse, printSchema, specifiedRules, validate } from 'graphql'
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
