import SchemaBuilder from '@pothos/core'
import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { isRight, may, type Right } from '../../src/access/rights.ts'
import ScopeAuthPlugin from '../../src/graphql/quick-rights.ts'
import { createDocuments } from '../../src/graphql/transport/documents.ts'

type Viewer = { readonly rights: ReadonlySet<Right> }
type Parcel = { readonly name: string; readonly weight: number | null }

const builder = new SchemaBuilder<{
  Context: { readonly viewer: Viewer }
  AuthScopes: { right: Right | readonly Right[] }
}>({
  plugins: [ScopeAuthPlugin],
  scopeAuth: {
    authScopes: ({ viewer }) => ({
      right: (needed) => [needed].flat().some((right) => isRight(right) && may(viewer, right)),
    }),
    unauthorizedError: (_parent, _context, info) => new Error(`no right to ${info.fieldName}`),
  },
})
const Parcel = builder.objectRef<Parcel>('Parcel').implement({
  authScopes: { right: ['readJobs', 'writeJobs'] },
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true }),
    title: t.exposeString('name', { nullable: true }),
    weight: t.exposeInt('weight', { nullable: true, authScopes: { right: 'readTwins' } }),
  }),
})
builder.queryType({
  fields: (t) => ({
    parcels: t.field({
      type: [Parcel],
      resolve: () => [
        { name: 'one', weight: 3 },
        { name: 'two', weight: null },
      ],
    }),
  }),
})
const schema = builder.toSchema()
const { execute } = createDocuments(schema)

const read = async (...rights: readonly Right[]) => {
  const contextValue = { viewer: { rights: new Set(rights) } }
  const document = parse('{ parcels { name title weight } }')
  const { data, errors = [] } = await execute({ schema, document, contextValue })
  return { data, errors: errors.map(({ message, path }) => `${path?.join('.')}: ${message}`) }
}

test('a viewer with the rights of a type and of its fields sees their members', async () => {
  const seen = {
    parcels: [
      { name: 'one', title: 'one', weight: 3 },
      { name: 'two', title: 'two', weight: null },
    ],
  }
  expect(await read('readJobs', 'readTwins')).toEqual({ data: seen, errors: [] })
  expect(await read('writeJobs', 'readTwins')).toEqual({ data: seen, errors: [] })
})

test('a viewer without the right of a field sees the other fields', async () => {
  expect(await read('readJobs')).toEqual({
    data: {
      parcels: [
        { name: 'one', title: 'one', weight: null },
        { name: 'two', title: 'two', weight: null },
      ],
    },
    errors: ['parcels.0.weight: no right to weight', 'parcels.1.weight: no right to weight'],
  })
})

test('a viewer without the right of a type sees no field of it', async () => {
  const { data, errors } = await read('readTwins')
  expect(data).toEqual({ parcels: [none, none] })
  expect(errors).toHaveLength(6)
  expect(errors).toContain('parcels.0.title: no right to title')
})

const none = { name: null, title: null, weight: null }
