import { expect, test } from 'vitest'
import { createStatementNames } from '../../src/database/statement-names.ts'

test('a text keeps its name, and another text has another one', () => {
  const nameOf = createStatementNames('list', 2)
  expect([nameOf('a'), nameOf('b'), nameOf('a')]).toEqual(['list-0', 'list-1', 'list-0'])
})

test('texts beyond the limit have no names, and take none from others', () => {
  const nameOf = createStatementNames('list', 1)
  expect([nameOf('a'), nameOf('b'), nameOf('b'), nameOf('a')]).toEqual(['list-0', undefined, undefined, 'list-0'])
})
