import { complexityFromQuery } from '@pothos/plugin-complexity'
import { getNullableType, isObjectType, parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { costOf, mostComplexity } from '../../src/graphql/cost.ts'
import { encodeNodeId } from '../../src/graphql/node-id.ts'
import { schema } from '../../src/graphql/schema.ts'

const cost = (text: string, variableValues: Record<string, unknown> = {}) =>
  costOf({ schema, document: parse(text), variableValues })

test.each<[string, string, Record<string, unknown>?]>([
  ['a list of scalars', '{ jobs(first: 7) { totalCount nodes { jobId status } } }'],
  [
    'a page by a variable',
    'query ($first: Int!) { devices(first: $first) { edges { node { twin { tags } } } } }',
    { first: 9 },
  ],
  ['a variable with a default', 'query ($first: Int = 3) { devices(first: $first) { nodes { twin { etag } } } }'],
  [
    'lists in lists',
    '{ devices(first: 100) { nodes { twin { tags } deviceJobs(first: 10) { nodes { job { jobId } } } } } }',
  ],
  [
    'fragments that are used twice, in a union and under an alias',
    `mutation ($input: ScheduleDeviceMethodInput!) {
      scheduleDeviceMethod(input: $input) { ...A ...A ... on Error { message } }
      again: scheduleDeviceMethod(input: $input) { ...A }
    }
    fragment A on ScheduleJobPayload { job { ...B ...B failureGroups(first: 3) { sample(first: 2) { deviceId } } } }
    fragment B on Job { eta family { jobs { jobId } } retries { jobId } history { time } }`,
    { input: { queryCondition: '*', cloudToDeviceMethod: { methodName: 'x' } } },
  ],
  [
    'nodes by ids',
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Device { twin { tags } } } }',
    { ids: [encodeNodeId('Device', 'a'), encodeNodeId('Job', 'b')] },
  ],
  ['a subscription', 'subscription { deviceJobEnded(jobId: "x") { deviceJobs { device { twin { tags } } } } }'],
  ['introspection', '{ __typename __schema { types { name } } }'],
])('the cost of %s is what the limit of complexity counts', (_what, text, variables = {}) => {
  const { complexity } = complexityFromQuery(text, { schema, variables })
  expect(cost(text, variables)).toMatchObject({ complexity, maximum: 5000 })
})

test('the fields of a cost are its largest parts, each with all that is below it', () => {
  const text =
    '{ devices(first: 100) { nodes { twin { tags } ...J } totalCount } } fragment J on Device { jobs: deviceJobs(first: 10) { nodes { job { jobId } } } }'
  expect(cost(text)?.fields).toEqual([
    { path: 'devices', complexity: cost(text)?.complexity },
    { path: 'devices.nodes', complexity: (cost(text)?.complexity ?? 0) - 1 },
    { path: 'devices.nodes.jobs', complexity: 3_000 },
    { path: 'devices.nodes.jobs.nodes', complexity: 2_000 },
    { path: 'devices.nodes.jobs.nodes.job', complexity: 1_000 },
    { path: 'devices.nodes.twin', complexity: 600 },
    { path: 'devices.nodes.twin.tags', complexity: 500 },
  ])
})

test('fragments that double themselves are weighed once each', () => {
  const doubling = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)
  const last = 'fragment F60 on Query { jobs(first: 1) { nodes { jobId } } }'
  expect(cost(`{ ...F0 } ${doubling.join(' ')} ${last}`)?.complexity).toBe(2 ** 60 * 2)
})

test('the cost of an operation with very many paths lists only the largest', () => {
  const levels = Array.from(
    { length: 40 },
    (_, i) =>
      `fragment F${i} on Job { retryOf { ...F${i + 1} } retries { ...F${i + 1} } family { jobs { ...F${i + 1} } } }`,
  )
  const fields = cost(`{ job(jobId: "x") { ...F0 } } ${levels.join(' ')} fragment F40 on Job { jobId }`)?.fields ?? []
  expect(fields).toHaveLength(20)
  expect(fields[0]?.path).toBe('job')
  const complexities = fields.map(({ complexity }) => complexity)
  expect(complexities).toEqual(complexities.toSorted((a, b) => b - a))
})

test('an operation that fails because of its variables has no cost', () => {
  expect(cost('query ($first: Int!) { jobs(first: $first) { totalCount } }')).toBeUndefined()
})

describe('the most that a document can cost', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['without variables', '{ jobs(first: 7) { totalCount nodes { jobId history(last: 3) { time } } } }', {}],
    [
      'with a page by a variable',
      'query ($first: Int!, $after: String) { jobs(first: $first, after: $after) { nodes { jobId } } }',
      { first: 100 },
    ],
    [
      'with a variable in a fragment',
      `query ($id: String!, $n: Int = 3) { job(jobId: $id) { ...J } }
       fragment J on Job { failureGroups(first: $n) { sample(first: $n) { deviceId } } }`,
      { id: 'x', n: 2_000_000_000 },
    ],
    [
      'with an object by a variable, where the weight does not depend on it',
      'mutation ($input: CancelJobInput!) { cancelJob(input: $input) { ... on Error { message } } }',
      { input: { jobId: 'x' } },
    ],
    [
      'with a page and its filter by variables',
      'query ($n: Int!, $f: JobFilter, $o: JobOrder) { jobs(first: $n, filter: $f, orderBy: $o) { nodes { jobId } } }',
      { n: 2_000_000_000, f: { status: ['FAILED'] } },
    ],
  ])('%s is its cost with the largest numbers', (_what, text, variables) => {
    const { complexity } = complexityFromQuery(text, { schema, variables })
    expect(mostComplexity(schema, parse(text))).toBe(complexity)
  })

  test('of several operations is that of the largest', () => {
    const [small, large] = [
      'query A { jobs(first: 1) { nodes { jobId } } }',
      'query B { jobs(first: 9) { nodes { jobId } } }',
    ]
    const most = (text: string) => mostComplexity(schema, parse(text))
    expect(most(`${small} ${large}`)).toBe(most(large))
    expect(most(large)).toBeGreaterThan(most(small))
  })

  test.each([
    ['a list', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'],
    [
      'an object',
      'query ($f: DeviceJobFilter) { job(jobId: "x") { deviceJobs(first: 1, filter: $f) { nodes { deviceId } } } }',
    ],
    [
      'a member of an object',
      'query ($q: DeviceJobStatus!) { job(jobId: "x") { deviceJobs(first: 1, filter: { status: [$q] }) { nodes { deviceId } } } }',
    ],
  ])('is unknown when a weight may depend on %s', (_what, text) => {
    expect(mostComplexity(schema, parse(text))).toBe(Number.POSITIVE_INFINITY)
  })

  test('no weight is larger for a smaller number, or depends on a text', () => {
    const large = 2 ** 31 - 1
    const numbers = [null, -1, 0, 1, 7, 100, 101, large]
    const heavier: string[] = []
    let count = 0
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type)) continue
      for (const { name, args, extensions } of Object.values(type.getFields())) {
        const weigh: unknown = extensions.complexity
        if (typeof weigh !== 'function') continue
        count++
        // The arguments of all others need not be read.
        expect([type.name, name, args.length > 0]).toEqual([type.name, name, true])
        const named = (typeName: string) =>
          args.filter(({ type }) => getNullableType(type) === schema.getType(typeName))
        const weightFor = (values: Record<string, unknown>): readonly number[] => {
          const weight: unknown = weigh(values, {}, {})
          if (typeof weight === 'number') return [weight]
          return [Number(Reflect.get(Object(weight), 'field')), Number(Reflect.get(Object(weight), 'multiplier'))]
        }
        const most = weightFor(Object.fromEntries(named('Int').map(({ name: arg }) => [arg, large])))
        const cases = [
          ...named('Int').flatMap(({ name: arg }) => numbers.map((value) => ({ [arg]: value }))),
          ...[...named('String'), ...named('ID')].map(({ name: arg }) => ({ [arg]: 'x'.repeat(99) })),
        ]
        for (const values of cases) {
          if (weightFor(values).some((part, index) => part > (most[index] ?? 0))) heavier.push(`${type.name}.${name}`)
        }
      }
    }
    expect(count).toBeGreaterThan(10)
    expect(heavier).toEqual([])
  })
})
