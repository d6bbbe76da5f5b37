import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ParameterName, parameters } from '../../src/rest/parameters.ts'
import type { Route } from '../../src/rest/route.ts'
import { routes } from '../../src/rest/router.ts'
import { type Schema, schemaAt, schemas } from '../../src/rest/schemas.ts'
import { openDoor, type TestDoor } from './door.ts'

// Whatever a client puts in the place of any member of any body, header or query parameter, the door answers and not
// with a fault of its own. All is taken from the table of routes, so a new route is asked the same.

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
  await door.ask('PUT /devices/d', { body: {} })
})
afterAll(() => door.close())

const strange: readonly unknown[] = [
  {},
  [],
  { toString: 1 },
  { valueOf: null, toString: null },
  [{ toString: 1 }],
  [null],
  JSON.parse('{"__proto__":{"a":1},"constructor":1}'),
  JSON.parse(`${'{"a":['.repeat(45)}${']}'.repeat(45)}`),
  null,
  true,
  1,
  -1,
  1.5,
  1e300,
  '',
  'x',
  '1e3',
  'true',
  '\0',
  '\ud800',
]

/** A value that the schema describes, with all its members; no value for what may be anything. */
function sampleOf(schema: Schema): unknown {
  if (schema.$ref !== undefined) return sampleOf(schemaAt(schema.$ref))
  if (schema.example !== undefined) return schema.example
  switch ([schema.type ?? []].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, member]) => [name, sampleOf(member)]),
      )
    case 'array':
      return [sampleOf(schema.items ?? {})]
    case 'string':
      return schema.enum?.[0] ?? 'd'
    case 'integer':
      return schema.default ?? 1
    case 'boolean':
      return true
  }
  return null
}

type Path = readonly (string | number)[]

/** The paths of all members, the body itself first. */
function pathsIn(schema: Schema, path: Path = []): Path[] {
  if (schema.$ref !== undefined) return pathsIn(schemaAt(schema.$ref), path)
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => pathsIn(member, [...path, name]))
  const items = schema.items === undefined ? [] : pathsIn(schema.items, [...path, 0])
  return [path, ...members, ...items]
}

/** The body with another value at the path. Of the other members it has those without which it would not be read on. */
function withValue(sample: unknown, [step, ...rest]: Path, value: unknown, kept: readonly string[]): unknown {
  if (step === undefined) return value
  if (Array.isArray(sample)) return [{ id: 'first' }, ...sample.map((item) => withValue(item, rest, value, kept))]
  const members = Object.entries(sample ?? {})
  const member = members.find(([name]) => name === step)?.[1]
  const others = members.filter(([name]) => kept.includes(name))
  return { ...Object.fromEntries(others), [step]: withValue(member, rest, value, kept) }
}

const pathOf = (route: Route): string => route.path.replace(/\{\w+\}/, 'd')
const name = ({ method, path }: Route): string => `${method} ${path}`

describe.each(routes.filter(({ body }) => body !== undefined).map((route) => [name(route), route] as const))(
  '%s',
  (_name, route) => {
    const schema: Schema = schemas[route.body?.schema ?? 'Device']
    test.each(pathsIn(schema).map((path) => [path.join('.') || 'the body', path] as const))(
      'answers whatever stands for %s',
      async (_place, path) => {
        const kept = [...((schema.items ?? schema).required ?? []), 'type', 'methodName']
        // A job of one type has no place for what one of the other type is about.
        const types = ['type', undefined].includes(path[0]?.toString())
          ? [undefined]
          : (schema.properties?.type?.enum ?? [undefined])
        const bodies = strange.flatMap((value) => {
          const body = withValue(sampleOf(schema), path, value, kept)
          return types.map((type) => (type === undefined ? body : { ...Object(body), type }))
        })
        const texts = new Set(bodies.map((body) => JSON.stringify(body)))
        await Promise.all(
          [...texts].map(async (body) => {
            const { status } = await door.ask(`${route.method} ${pathOf(route)}`, { body })
            expect([body, status]).toEqual([body, expect.toSatisfy((code: number) => code < 500)])
          }),
        )
        expect(door.logged).toEqual([])
      },
    )
  },
)

const texts = [
  '',
  '0',
  '-1',
  '1e3',
  'x',
  '"',
  '*',
  '""',
  'W/"x"',
  '%00',
  'é',
  '%ED%A0%80',
  '[]',
  '{"a":1}',
  '9'.repeat(30),
]

test.each(
  routes.flatMap((route) =>
    (route.parameters ?? []).map((parameter) => [name(route), parameter, route] as [string, ParameterName, Route]),
  ),
)('%s answers whatever stands for %s', async (_name, parameter, route) => {
  for (const text of texts) {
    const inQuery = parameters[parameter].in === 'query'
    const query = inQuery ? `&${parameter}=${text}` : ''
    const { status } = await door.ask(`${route.method} ${pathOf(route)}?api-version=2021-04-12${query}`, {
      ...(!inQuery && { headers: { [parameter]: text } }),
      ...(route.body !== undefined && { body: JSON.stringify(sampleOf(schemas[route.body.schema])) }),
    })
    expect([text, status]).toEqual([text, expect.toSatisfy((code: number) => code < 500)])
  }
})

test.each(routes.filter(({ path }) => path.includes('{')).map((route) => [name(route), route] as const))(
  '%s answers whatever the id is',
  async (_name, route) => {
    for (const text of texts) {
      const path = route.path.replace(/\{\w+\}/, text)
      const body = route.body && JSON.stringify(sampleOf(schemas[route.body.schema]))
      const { status } = await door.ask(`${route.method} ${path}`, { body })
      expect([text, status]).toEqual([text, expect.toSatisfy((code: number) => code < 500)])
    }
  },
)
