import { parse } from 'graphql'
import { expect, test } from 'vitest'
import type { Right } from '../../src/access/rights.ts'
import { rightsNeeded } from '../../src/graphql/needs.ts'
import { schema } from '../../src/graphql/schema.ts'
import { operations, textFor } from './authorisation/operations.ts'

type Needs = readonly (readonly Right[])[]

/** Of a right and one of several rights, among them that one, the first is enough. */
const isStrict = (needed: readonly Right[], all: Needs): boolean =>
  !all.some((other) => other.length < needed.length && other.every((right) => needed.includes(right)))

const textsOf = (all: Needs): readonly string[] => {
  const texts = all.filter((needed) => isStrict(needed, all)).map((needed) => [...needed].sort().join(' or '))
  return [...new Set(texts)].sort()
}

const needsOf = (text: string, variables = {}, operationName?: string): readonly string[] =>
  textsOf(rightsNeeded(schema, parse(text), operationName, variables))

/** All but those whose needs depend on the ids that they are given. */
const known = operations.filter(({ coordinate }) => !/^Query\.nodes?\b/.test(coordinate))

test.each(known.map((operation) => [operation.coordinate, operation] as const))(
  'an operation with %s needs the rights of the table',
  (_coordinate, operation) => {
    expect(needsOf(textFor(operation, 'a', 'b'))).toEqual(textsOf(operation.needs))
  },
)

const devices = `query ($condition: String, $isWanted: Boolean = true) {
  devices(first: 1, queryCondition: $condition) @include(if: $isWanted) { nodes { deviceId ...WithJobs } }
}
fragment WithJobs on Device { deviceJobs { __typename } }`

test.each([
  ['what a fragment selects', {}, ['readDevices or readTwins', 'readJobs']],
  ['an argument that is given', { condition: "deviceId = 'a'" }, ['readJobs', 'readTwins']],
  ['nothing that is left out', { isWanted: false }, []],
])('an operation needs the rights for %s', (_what, variables, needed) => {
  expect(needsOf(devices, variables)).toEqual(needed)
})

test('an operation needs the rights of every type that a field may return', () => {
  const node = '{ node(id: "a") { ... on Device { twin { version } } ... on Job { jobId } } }'
  expect(needsOf(node)).toEqual(['readJobs', 'readTwins'])
})

test('of several operations, only the one with the name counts', () => {
  const two = 'query One { job(jobId: "a") { jobId } } query Two { twinPaths { path } }'
  expect([needsOf(two, {}, 'One'), needsOf(two, {}, 'Two')]).toEqual([['readJobs'], ['readTwins']])
})

test('an operation that cannot be executed needs nothing', () => {
  const two = 'query One { job(jobId: "a") { jobId } } query Two { twinPaths { path } }'
  expect(needsOf(two)).toEqual([])
  expect(needsOf('query ($id: String!) { job(jobId: $id) { jobId } }')).toEqual([])
})
