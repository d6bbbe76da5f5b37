import { expect, test } from 'vitest'
import { QueryConditionError } from '../../src/errors.ts'
import { compileDeviceCondition } from '../../src/query/device-condition.ts'

test('a condition on devices becomes SQL over the device and its twin, in which its author has values only', () => {
  const { strings, values } = compileDeviceCondition("deviceId = 'pump-1'")
  expect(strings.join('?')).toContain('d.id')
  expect(strings.join('?')).not.toContain('pump-1')
  expect(values).toEqual(['pump-1'])
  expect(strings).toHaveLength(values.length + 1)
})

test('the condition of all devices is true', () => {
  expect(compileDeviceCondition('*')).toEqual({ strings: ['true'], values: [] })
})

test('a condition that does not parse is refused with its place', () => {
  expect(() => compileDeviceCondition('deviceId = ')).toThrow(QueryConditionError)
})
