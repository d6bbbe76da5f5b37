import {
  type GraphQLFieldConfig,
  GraphQLInterfaceType,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  graphql,
} from 'graphql'
import { expect, test } from 'vitest'
import { passesRow, readsColumns, selectedColumns } from '../../src/graphql/columns.ts'

// A schema of pages of books, whose fields resolve from rows.

type Row = { readonly title: string; readonly first: string; readonly last: string; readonly price: string }
type Fields = Record<string, GraphQLFieldConfig<unknown, string[]>>

const text = (extensions = {}) => ({ type: GraphQLString, resolve: () => 'text', extensions })
const node = new GraphQLInterfaceType({
  name: 'Node',
  fields: { title: { type: GraphQLString } },
  resolveType: () => 'Book',
})
const shop = new GraphQLObjectType({
  name: 'Shop',
  interfaces: [node],
  fields: { title: text({ pothosExposedField: 'price' }) },
})
const cost = new GraphQLObjectType({ name: 'Cost', fields: { price: text({ pothosExposedField: 'price' }) } })
const book: GraphQLObjectType = new GraphQLObjectType({
  name: 'Book',
  interfaces: [node],
  fields: (): Fields => ({
    title: text({ pothosExposedField: 'title' }),
    author: text(readsColumns<Row>('first', 'last').extensions),
    constant: text(),
    cost: { type: cost, resolve: () => ({}), ...passesRow() },
    discount: { type: cost, resolve: () => ({}), ...passesRow<Row>('first') },
    sequel: { type: book, resolve: () => ({}), ...readsColumns<Row>('last') },
  }),
})
const edge = new GraphQLObjectType({ name: 'Edge', fields: { node: { type: book, resolve: () => ({}) } } })
const page = new GraphQLObjectType({
  name: 'Page',
  fields: {
    title: text({ pothosExposedField: 'title' }),
    only: { type: book, resolve: () => ({}) },
    edge: { type: edge, resolve: () => ({}) },
  },
})
const resolve: GraphQLFieldConfig<unknown, string[]>['resolve'] = (_root, _args, found, info) => {
  found.push(...selectedColumns(info, 'Book'))
  return {}
}
const query = new GraphQLObjectType({
  name: 'Query',
  fields: { page: { type: page, resolve }, book: { type: book, resolve }, node: { type: node, resolve } },
})
const schema = new GraphQLSchema({ query, types: [shop] })

test.each([
  [
    'of exposed columns and of declared ones, each once',
    '{ book { author title again: title __typename } }',
    ['first', 'last', 'title'],
  ],
  ['of no field that needs none', '{ book { constant } }', []],
  [
    'on every way down to the type, and not of the types above it',
    '{ page { title only { title } edge { node { author } } } }',
    ['first', 'last', 'title'],
  ],
  ['of fields to which a row is passed on', '{ book { cost { price } } }', ['price']],
  ['of such a field itself, too', '{ book { discount { price } } }', ['first', 'price']],
  ['not of other rows below', '{ book { sequel { title author } } }', ['last']],
  [
    'of fragments',
    '{ page { ...Only } } fragment Only on Page { only { ...Named ... { author } } } fragment Named on Book { title ...Node } fragment Node on Node { title }',
    ['first', 'last', 'title'],
  ],
  [
    'of a fragment in every place where it is spread',
    '{ book { sequel { ...Named } ...Named } } fragment Named on Book { title }',
    ['last', 'title'],
  ],
  [
    'of the wanted type where there are several',
    '{ node { title ... on Book { author } ... on Shop { title } } }',
    ['first', 'last', 'title'],
  ],
  ['of a field that is selected twice', '{ book { title } book { author } }', ['first', 'last', 'title']],
])('the selected columns are those %s', async (_what, source, columns) => {
  const found: string[] = []
  const { errors } = await graphql({ schema, source, contextValue: found })
  expect(errors).toBeUndefined()
  expect(found).toEqual(columns)
})
