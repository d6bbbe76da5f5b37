import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Expression } from '../../src/query/ast.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { condition as anyCondition, testDevice } from './arbitraries.ts'
import { selects } from './evaluator.ts'
import { documentOf, insertDevices, selectIds, statementOf } from './fleet.ts'
import { print } from './print.ts'

/** Set QUERY_TEST_SEED to the number a failure printed to run it again. */
const seed = Number(process.env.QUERY_TEST_SEED ?? Date.now() % 2 ** 31)
const devices = fc
  .sample(testDevice, { seed, numRuns: 100 })
  .map((device, index) => ({ ...device, id: `${device.id}${index}` }))
const documents = devices.map((device) => ({ id: device.id, document: documentOf(device) }))

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await insertDevices(database.pool, devices)
})
afterAll(() => database.drop())

/** The tree without places, which differ between a made tree and a parsed one. */
const shape = (tree: Expression): unknown =>
  JSON.parse(
    JSON.stringify(tree, (key, value: unknown) =>
      key === 'position' ? undefined : value === undefined || typeof value === 'number' ? String(value) : value,
    ),
  )

test('what is printed and parsed back is the same tree', () => {
  fc.assert(
    fc.property(anyCondition, (tree) => {
      const condition = parseCondition(print(tree))
      expect(condition.kind === 'where' && shape(condition.expression)).toEqual(shape(tree))
    }),
    { seed, numRuns: 1000 },
  )
})

test(`SQL selects the devices that the language's rules select, for 2000 conditions on 100 twins (seed ${seed})`, async () => {
  let selected = 0
  await fc.assert(
    fc.asyncProperty(anyCondition, async (tree) => {
      const condition = parseCondition(print(tree))
      const expected = documents.filter(({ document }) => selects(condition, document)).map(({ id }) => id)
      // The SQL promises true or false: NULL would show up here as selected.
      const actual = await selectIds(database.pool, condition, 'is distinct from false')
      selected += actual.length
      const { text, values } = statementOf(condition)
      expect(actual, `seed ${seed}\n${print(tree)}\n${text}\n${JSON.stringify(values)}`).toEqual(expected.sort())
    }),
    { seed, numRuns: 2000 },
  )
  // Else the generators have drifted into conditions that say nothing.
  expect(selected).toBeGreaterThan(1000)
}, 240_000)
