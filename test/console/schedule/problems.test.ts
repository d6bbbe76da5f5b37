import { expect, test } from 'vitest'
import { firstOf, placeRefusal } from '../../../src/console/pages/schedule/problems.ts'

const invalid = (...path: string[]) => placeRefusal({ __typename: 'InvalidInputError', message: 'Bad.', path })

test('a refusal is shown at the field that its path leads to', () => {
  expect(invalid('queryCondition')?.field).toBe('condition')
  expect(invalid('cloudToDeviceMethod', 'methodName')?.field).toBe('methodName')
  expect(invalid('cloudToDeviceMethod', 'payload')?.field).toBe('payload')
  expect(invalid('cloudToDeviceMethod', 'responseTimeoutInSeconds')?.field).toBe('responseTimeout')
  expect(invalid('cloudToDeviceMethod', 'connectTimeoutInSeconds')?.field).toBe('connectTimeout')
  expect(invalid('startTime')?.field).toBe('startAt')
  expect(invalid('maxExecutionTimeInSeconds')?.field).toBe('maxTime')
  expect(invalid('jobId')?.field).toBe('jobId')
  expect(invalid('updateTwin')).toEqual({ field: 'tags', message: 'Bad.' })
})

test('what lies deeper in a field is named', () => {
  expect(invalid('updateTwin', 'tags', 'a', 'b')).toEqual({ field: 'tags', message: 'a.b: Bad.' })
  expect(invalid('updateTwin', 'properties', 'desired', 'x')).toEqual({ field: 'desired', message: 'x: Bad.' })
})

test('a condition that does not parse and an id that is taken have their fields', () => {
  expect(placeRefusal({ __typename: 'QueryConditionError', message: 'unexpected end' })).toEqual({
    field: 'condition',
    message: 'Unexpected end.',
  })
  expect(placeRefusal({ __typename: 'AlreadyExistsError', message: 'Taken.' })?.field).toBe('jobId')
})

test('a refusal about no field has no place', () => {
  expect(invalid('expect', 'fingerprint')).toBeUndefined()
  expect(invalid()).toBeUndefined()
  expect(placeRefusal({ __typename: 'LimitExceededError', message: 'Later.' })).toBeUndefined()
})

test('the first faulty field is the one that stands highest', () => {
  expect(firstOf({ jobId: 'x', payload: 'y' })).toBe('payload')
  expect(firstOf({})).toBeUndefined()
})
