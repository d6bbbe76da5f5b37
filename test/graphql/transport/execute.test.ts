import fc from 'fast-check'
import {
  type ExecutionResult,
  execute,
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  parse,
  validate,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { executePlan } from '../../../src/graphql/transport/execute.ts'
import { planDocument } from '../../../src/graphql/transport/plan.ts'

// A value is what its resolvers find in it. `Fault` fails, later or at once.

type Value = unknown
class Fault {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}
class Later {
  readonly value: Value
  constructor(value: Value) {
    this.value = value
  }
}

const unfold = (value: Value): Value => {
  if (value instanceof Fault) throw new Error(value.message)
  if (!(value instanceof Later)) return value
  const later = Promise.resolve().then(() => unfold(value.value))
  // Where an item of a list fails, graphql leaves the promises behind it without handlers, too.
  later.catch(() => {})
  return later
}
/** Items of lists are promises, errors or values. */
const unfoldItems = (value: Value): Value =>
  Array.isArray(value)
    ? value.map((item) => {
        if (item instanceof Fault) return new Error(item.message)
        return item instanceof Later ? unfold(item) : item
      })
    : value
const resolve = (source: Value, _args: unknown, _context: unknown, { fieldName }: GraphQLResolveInfo): Value => {
  const value = unfold(Reflect.get(Object(source), fieldName))
  return value instanceof Promise ? value.then(unfoldItems) : unfoldItems(value)
}

const odd = new GraphQLScalarType({
  name: 'Odd',
  serialize(value) {
    if (typeof value === 'number' && value % 2 === 1) return value
    throw new TypeError('not odd')
  },
})
const colour = new GraphQLEnumType({ name: 'Colour', values: { RED: { value: 'red' }, BLUE: { value: 'blue' } } })
const named = new GraphQLInterfaceType({ name: 'Named', fields: { name: { type: GraphQLString } } })
const every = (type: GraphQLOutputType) => ({ type, resolve })
const fields = () => ({
  name: every(GraphQLString),
  odd: every(odd),
  must: every(new GraphQLNonNull(odd)),
  colour: every(new GraphQLList(new GraphQLNonNull(colour))),
  child: every(node),
  mustChild: every(new GraphQLNonNull(node)),
  list: every(new GraphQLList(node)),
  mustList: every(new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(node)))),
  any: every(new GraphQLList(anything)),
  named: every(named),
})
const isOther = (value: unknown): boolean => typeof value === 'object' && value !== null && 'isOther' in value
const node: GraphQLObjectType = new GraphQLObjectType({ name: 'Node', interfaces: [named], fields })
const other: GraphQLObjectType = new GraphQLObjectType({
  name: 'Other',
  interfaces: [named],
  isTypeOf: (value) => (isOther(value) ? Promise.resolve(true) : false),
  fields,
})
named.resolveType = (value) => (isOther(value) ? 'Other' : 'Node')
const anything = new GraphQLUnionType({
  name: 'Anything',
  types: [node, other],
  resolveType: (value) => Promise.resolve(isOther(value) ? 'Other' : 'Node'),
})
const filter = new GraphQLInputObjectType({
  name: 'Filter',
  fields: { text: { type: new GraphQLNonNull(GraphQLString) }, least: { type: GraphQLInt, defaultValue: 3 } },
})
const given = { type: GraphQLString, resolve: (_: unknown, args: unknown) => JSON.stringify(args) }
const root = () => ({
  node: every(node),
  must: every(new GraphQLNonNull(node)),
  given: {
    ...given,
    args: {
      filter: { type: filter },
      list: { type: new GraphQLList(GraphQLInt) },
      flag: { type: GraphQLBoolean, defaultValue: true },
      needed: { type: GraphQLInt },
    },
  },
})
const query = new GraphQLObjectType({ name: 'Query', fields: root })
const mutation = new GraphQLObjectType({ name: 'Mutation', fields: root })
const schema = new GraphQLSchema({ query, mutation, types: [node, other] })

const fault = fc.integer({ min: 0, max: 9 }).map((number) => new Fault(`fault ${number}`))
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Value> =>
  fc.oneof(
    { arbitrary, weight: 8 },
    { arbitrary: arbitrary.map((value) => new Later(value)), weight: 3 },
    { arbitrary: fc.constantFrom<Value>(null, undefined, new Later(null)), weight: 2 },
    { arbitrary: fault, weight: 1 },
    { arbitrary: fault.map((value) => new Later(value)), weight: 1 },
  )
const leaves = {
  name: some(fc.constantFrom('a', 'b')),
  odd: some(fc.constantFrom(1, 2, 3)),
  must: some(fc.constantFrom(1, 3, 5, 6)),
  colour: some(fc.array(fc.constantFrom<Value>('red', 'blue', 'green', null), { maxLength: 2 })),
  isOther: fc.constant(true),
}
const nodesOf = (depth: number): fc.Arbitrary<Record<string, Value>> => {
  if (depth === 0) return fc.record(leaves, { requiredKeys: ['must'] })
  const inner = nodesOf(depth - 1)
  const list = some(fc.array(some(inner), { maxLength: 2 }))
  // Where an item must not be null and is, graphql leaves the promises of the items before it without handlers.
  const later = some(inner).map((value) => (value instanceof Later ? value : new Later(value)))
  const mustList = some(fc.array(later, { maxLength: 2 }))
  const members = {
    ...leaves,
    child: some(inner),
    mustChild: some(inner),
    list,
    mustList,
    any: list,
    named: some(inner),
  }
  return fc.record(members, { requiredKeys: ['must', 'child', 'list'] })
}
const leafSelections = ['name', 'x: name', 'odd', 'must', 'colour', '__typename', '...Leaf']
const conditional = ['name @skip(if: $no)', 'odd @include(if: $no)', 'must @include(if: $yes)']
const leafSelection = fc.constantFrom(...leafSelections, ...conditional)
const selectionsOf = (depth: number): fc.Arbitrary<string> => {
  const inner = depth === 0 ? leafSelection : selectionsOf(depth - 1)
  const objects = fc
    .tuple(fc.constantFrom('child', 'mustChild', 'list', 'mustList', 'y: list'), inner)
    .map(([name, below]) => `${name} { ${below} }`)
  const abstract = fc
    .tuple(fc.constantFrom('any', 'named'), fc.constantFrom('Node', 'Other'), inner)
    .map(([name, type, below]) => `${name} { __typename ... on Named { name } ... on ${type} { ${below} } }`)
  const fragment = inner.map((below) => `... on Node @include(if: $yes) { ${below} }`)
  return fc
    .array(fc.oneof(leafSelection, objects, abstract, fragment), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join(' '))
}
const nodes = nodesOf(3)
const selections = selectionsOf(2)
const documents = fc.tuple(fc.constantFrom('query', 'mutation'), selections, selections).map(
  ([kind, first, second]) =>
    `${kind} ($yes: Boolean!, $no: Boolean = false) { node { ${first} } again: node { ${second} } must { ${first} } __typename }
       fragment Leaf on Node { name must z: child { name odd } }`,
)

/**
 * The data, and the errors of the fields that are null. Of several fields that must not be null, and whose parents are
 * null instead, the first to fail has its error in the result: which one that is, no specification says.
 */
const shown = ({ data, errors = [] }: ExecutionResult) => ({
  text: JSON.stringify(data),
  hasErrors: errors.length > 0,
  errors: errors
    .filter(({ path = [] }) => {
      let place: unknown = data
      for (const key of path) place = place === null ? undefined : Reflect.get(Object(place), key)
      return place === null
    })
    .map((error) => JSON.stringify(error))
    .sort(),
})

describe('an operation has the same result as by graphql itself', () => {
  test('whatever its resolvers return', async () => {
    await fc.assert(
      fc.asyncProperty(documents, nodes, fc.boolean(), fc.boolean(), async (text, value, yes, no) => {
        const document = parse(text)
        fc.pre(validate(schema, document).length === 0)
        const args = { schema, document, rootValue: { node: value, must: value }, variableValues: { yes, no } }
        const plan = planDocument(schema, document, () => {})
        const expected = shown(await execute(args))
        // The second time, it is planned already.
        for (let time = 0; time < 2; time++) {
          expect(shown(await executePlan(plan, args))).toEqual(expected)
        }
      }),
      { numRuns: 100 },
    )
  })

  const plain = (type: GraphQLOutputType) => ({ type })
  const shownAsTheyAre = new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: {
        text: plain(GraphQLString),
        must: plain(new GraphQLNonNull(GraphQLInt)),
        flag: plain(GraphQLBoolean),
        odd: plain(odd),
        colour: plain(colour),
        texts: plain(new GraphQLList(GraphQLString)),
      },
    }),
  })
  const members: readonly (readonly [string, () => PropertyDescriptor])[] = [
    ['a text', () => ({ value: 'red' })],
    ['a number', () => ({ value: 7 })],
    ['a number that an integer is not', () => ({ value: 1.5 })],
    ['a truth', () => ({ value: true })],
    ['null', () => ({ value: null })],
    ['undefined', () => ({ value: undefined })],
    ['an object', () => ({ value: {} })],
    ['a list', () => ({ value: ['a', null] })],
    ['a time', () => ({ value: new Date(0) })],
    ['an error', () => ({ value: new Error('a member') })],
    ['a promise', () => ({ value: Promise.resolve('red') })],
    ['a function', () => ({ value: () => 'red' })],
    ['a function that fails', () => ({ value: () => Promise.reject(new Error('a call')) })],
    ['computed', () => ({ get: () => 'red' })],
    [
      'computed and fails',
      () => ({
        get() {
          throw new Error('a getter')
        },
      }),
    ],
  ]
  test.each(members)('where fields have no resolvers, and a member is %s', async (_what, member) => {
    const names = ['text', 'must', 'flag', 'odd', 'colour', 'texts']
    const run = async (executed: typeof execute, selected: readonly string[]) => {
      const rootValue = Object.create(null, Object.fromEntries(names.map((name) => [name, member()])))
      const document = parse(`{ ${selected.join(' ')} }`)
      return shown(await executed({ schema: shownAsTheyAre, document, rootValue }))
    }
    const byPlan: typeof execute = ({ document, rootValue }) =>
      executePlan(
        planDocument(shownAsTheyAre, document, () => {}),
        { rootValue },
      )
    for (const selected of [names, ...names.map((name) => [name])]) {
      expect(await run(byPlan, selected)).toEqual(await run(execute, selected))
    }
  })
})

test('a resolver gets the same information about its field as by graphql itself', async () => {
  const seen: Record<string, unknown>[] = []
  const child = new GraphQLObjectType({
    name: 'Child',
    fields: {
      name: {
        type: GraphQLString,
        resolve(_source, _args, _context, info) {
          expect(info.path).toBe(info.path)
          const { fieldName, fieldNodes, returnType, parentType, path, schema, fragments } = info
          const { rootValue, operation, variableValues } = info
          const ofField = { fieldName, fieldNodes, returnType, parentType, path, schema }
          seen.push({ ...ofField, fragments, rootValue, operation, variableValues })
        },
      },
    },
  })
  const own = new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: { children: { type: new GraphQLList(child), resolve: () => [{}] } },
    }),
  })
  const document = parse('query ($n: String = "a") { children { name @include(if: true) x: name @skip(if: false) } }')
  const rootValue = { root: true }
  await execute({ schema: own, document, rootValue })
  await executePlan(
    planDocument(own, document, () => {}),
    { rootValue },
  )
  expect(seen.slice(2)).toEqual(seen.slice(0, 2))
  expect(seen).toHaveLength(4)
})

describe('arguments', () => {
  const ask = async (text: string, variableValues: Record<string, unknown> = {}) => {
    const document = parse(text)
    expect(validate(schema, document)).toEqual([])
    const args = { schema, document, variableValues }
    const plan = planDocument(schema, document, () => {})
    const results = [await executePlan(plan, args), await executePlan(plan, args)]
    const expected = JSON.stringify(await execute(args))
    expect(results.map((result) => JSON.stringify(result))).toEqual([expected, expected])
  }

  test.each([
    '{ given }',
    '{ given(needed: 7, flag: null) }',
    '{ given(filter: { text: "a" }, list: [1, 2]) a: given(list: 3) }',
    'query ($text: String!, $n: Int = 4) { given(filter: { text: $text, least: $n }, list: [$n, 5], needed: $n) }',
    'query ($n: Int) { given(needed: $n, list: [$n]) }',
  ])('%s', async (text) => {
    await ask(text, text.includes('$text') ? { text: 'b' } : {})
  })

  test('that are objects are new for each call', async () => {
    const seen: { list: unknown }[] = []
    const field = { type: GraphQLString, args: { list: { type: new GraphQLList(GraphQLInt) } } }
    const keep = (_: unknown, args: { list: unknown }) => void seen.push(args)
    const own = new GraphQLSchema({
      query: new GraphQLObjectType({ name: 'Query', fields: { keep: { ...field, resolve: keep } } }),
    })
    const plan = planDocument(own, parse('{ keep(list: [1]) }'), () => {})
    for (let time = 0; time < 2; time++) await executePlan(plan, {})
    expect(seen).toEqual([{ list: [1] }, { list: [1] }])
    expect(seen[0]?.list).not.toBe(seen[1]?.list)
  })
})

test('variables that do not fit are a bad request', async () => {
  const document = parse('query ($n: Int!) { given(needed: $n) }')
  const plan = planDocument(schema, document, () => {})
  expect(await executePlan(plan, { variableValues: { n: 'x' } })).toMatchObject({
    errors: [{ message: expect.stringContaining('"$n"'), extensions: { http: { status: 400 } } }],
  })
  const { errors } = await executePlan(plan, {})
  expect(errors?.map(({ message }) => message)).toEqual(
    (await execute({ schema, document })).errors?.map(({ message }) => message),
  )
})

test('no name of a field reaches a prototype', async () => {
  const document = parse('{ __proto__: __typename constructor: __typename toJSON: __typename }')
  const result = executePlan(
    planDocument(schema, document, () => {}),
    {},
  )
  expect(JSON.stringify(result)).toBe('{"data":{"__proto__":"Query","constructor":"Query","toJSON":"Query"}}')
})

test('a plan reports the fields that it adds, once for each type and set of conditions', async () => {
  let count = 0
  const document = parse('query ($no: Boolean!) { must { name odd @skip(if: $no) } }')
  const plan = planDocument(schema, document, (fields) => {
    count += fields
  })
  const counts: number[] = []
  for (const [no, value] of [
    [true, {}],
    [true, {}],
    [false, {}],
    [false, {}],
  ] as const) {
    await executePlan(plan, { rootValue: { must: value }, variableValues: { no } })
    counts.push(count)
  }
  expect(counts).toEqual([2, 2, 5, 5])
})

test('an item that fails while others are under way leaves none of them without a handler', async () => {
  const document = parse('{ must { mustList { mustChild { must } } } }')
  const source = { must: { mustList: [{ mustChild: new Later(new Fault('later')) }, null] } }
  const result = await executePlan(
    planDocument(schema, document, () => {}),
    { rootValue: source },
  )
  // A rejection without a handler would fail this file.
  await new Promise((resolve) => setImmediate(resolve))
  expect(result).toMatchObject({ data: null, errors: [{ path: ['must', 'mustList', 1] }] })
})

test('more sets of conditions than a plan keeps have right results, and are not counted as kept', async () => {
  const names = ['a', 'b', 'c', 'd']
  const fields = names.map((name) => `${name}: __typename @include(if: $${name})`)
  const document = parse(`query (${names.map((name) => `$${name}: Boolean!`)}) { ${fields.join(' ')} }`)
  let count = 0
  const plan = planDocument(schema, document, (more) => {
    count += more
  })
  for (let time = 0; time < 2; time++) {
    for (let set = 0; set < 16; set++) {
      const chosen = names.filter((_, index) => (set & (1 << index)) > 0)
      const variableValues = Object.fromEntries(names.map((name) => [name, chosen.includes(name)]))
      const { data } = await executePlan(plan, { variableValues })
      expect(Object.keys(data ?? {})).toEqual(chosen)
    }
  }
  // Eight sets of at most three fields, with twelve fields together.
  expect(count).toBe(12)
})

test('texts of more bytes than a result may have are an error instead of the result', async () => {
  const document = parse('{ must { a: name b: name list { name } } }')
  const plan = planDocument(schema, document, () => {})
  const rootValue = { must: { name: 'n'.repeat(40), list: [{ name: 'm'.repeat(40) }] } }
  const extensions = { code: 'LIMIT_EXCEEDED', limit: 'answerBytes', maximum: 119, actual: 120 }
  const refused = await executePlan(plan, { rootValue }, 119)
  expect(refused).not.toHaveProperty('data')
  expect(refused).toMatchObject({ errors: [{ extensions }] })
  expect(await executePlan(plan, { rootValue }, 120)).toMatchObject({
    data: { must: { list: [{ name: 'm'.repeat(40) }] } },
  })
})
