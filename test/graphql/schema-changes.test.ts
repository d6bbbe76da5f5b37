import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  buildSchema,
  DangerousChangeType,
  findBreakingChanges,
  findDangerousChanges,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
} from 'graphql'
import { expect, test } from 'vitest'

// docs/schema.md has the rules, and the changes since the last release that break them.

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const { version } = JSON.parse(read('package.json'))
const schema = buildSchema(read('schema.graphql'))
const released = buildSchema(read(`schema/${version}.graphql`))
const [, changes = ''] = read('docs/schema.md').split(`## Changes since ${version} that break clients\n`)

/** What clients must expect at any time, by the rules. */
const allowed: ReadonlySet<string> = new Set([
  DangerousChangeType.VALUE_ADDED_TO_ENUM,
  DangerousChangeType.TYPE_ADDED_TO_UNION,
  DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
  DangerousChangeType.OPTIONAL_ARG_ADDED,
  DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED,
])

/** The place of a change in the schema. A value or a member that was added or removed comes before its type. */
function placeOf(description: string): string {
  const [, member, type] = /(\w+) (?:was removed from|on) (?:enum|union|input) type (\w+)/.exec(description) ?? []
  if (type !== undefined) return `${type}.${member}`
  return /^[\w.]+/.exec(description.replace(/^A required arg \w+ on /, ''))?.[0] ?? description
}

const breaking = (before: GraphQLSchema, now: GraphQLSchema): readonly string[] =>
  [...findBreakingChanges(before, now), ...findDangerousChanges(before, now)]
    .filter(({ type }) => !allowed.has(type))
    .map(({ description }) => placeOf(description))

test('docs/schema.md names every change since the last release that breaks clients, and no other', () => {
  const named = [...changes.matchAll(/^\|[^|]*\|([^|]*)\|/gm)].flatMap(([, places = '']) =>
    [...places.matchAll(/`([\w.]+)`/g)].map(([, place]) => place),
  )
  expect(named.sort()).toEqual([...breaking(released, schema)].sort())
})

test('a change that breaks clients is found by its place', () => {
  const before = buildSchema(
    'type Query { a(b: Int): Int! c(i: I): E d: U g: Int } enum E { X Y } type T { e: Int } union U = T | Query input I { x: Int }',
  )
  const now = buildSchema(
    'type Query { a(b: Int!): Int c(i: I, k: Int!): E d: U } enum E { X } type T { e: Int } union U = Query input I { x: Int y: Int! }',
  )
  const places = ['E.Y', 'I.y', 'Query.a', 'Query.a', 'Query.c', 'Query.g', 'U.T']
  expect([...breaking(before, now)].sort()).toEqual(places)
})

test('what is deprecated says what replaces it, and stands in the changelog', () => {
  const changelog = read('CHANGELOG.md')
  const deprecated = Object.values(schema.getTypeMap()).flatMap((type) => {
    const members = isEnumType(type)
      ? type.getValues()
      : isObjectType(type) || isInputObjectType(type)
        ? Object.values(type.getFields())
        : []
    return members.filter(({ deprecationReason }) => deprecationReason != null)
  })
  expect(deprecated.map(({ name }) => name)).toContain('jobUpdated')
  for (const { name, deprecationReason } of deprecated) {
    expect(deprecationReason).toMatch(/^Use `\w+`/)
    expect(changelog).toContain(`\`${name}\``)
  }
})

test('the schema of each release is kept, and those of no others', () => {
  const versions = [...read('CHANGELOG.md').matchAll(/^## (\d+\.\d+\.\d+) - /gm)].map(
    ([, number]) => `${number}.graphql`,
  )
  expect(readdirSync(join(root, 'schema')).sort()).toEqual(versions.sort())
})
