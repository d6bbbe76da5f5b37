import { expect, test } from 'vitest'
import { operations } from './operations.ts'
import { coordinates } from './table.ts'

test('the table has exactly the fields, arguments and members of inputs of the schema', () => {
  expect([...coordinates].sort()).toEqual(operations.map(({ coordinate }) => coordinate).sort())
})
