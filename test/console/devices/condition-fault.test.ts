import { expect, test } from 'vitest'
import { faultOf } from '../../../src/console/pages/devices/condition-fault.ts'
import { QueryConditionError } from '../../../src/errors.ts'

test('a condition that the hub refuses is told with its place beside it, once', () => {
  const { message, line, column } = new QueryConditionError("unexpected '='", 2, 12)
  const error = { graphQLErrors: [{ message, extensions: { code: 'QUERY_CONDITION', line, column } }] }
  expect(faultOf(error)).toEqual({ message: "unexpected '='", line: 2, column: 12 })
})

test('other failures are no faults of the condition', () => {
  expect(faultOf(undefined)).toBeUndefined()
  expect(faultOf({ graphQLErrors: [] })).toBeUndefined()
  expect(faultOf({ graphQLErrors: [{ message: 'no', extensions: { code: 'FORBIDDEN' } }] })).toBeUndefined()
})
