import { expect, test } from 'vitest'
import { createSentDevices } from '../../../src/graphql/device/sent-devices.ts'

test('only what was sent is taken, and only once', () => {
  const sent = createSentDevices()
  sent.add(['a', 'b'])
  expect(sent.take(['b', 'c'])).toEqual(['b'])
  expect(sent.take(['a', 'b', 'c'])).toEqual(['a'])
})

test('the devices that were sent last are remembered', () => {
  const sent = createSentDevices(2)
  sent.add(['a', 'b'])
  sent.add(['a', 'c'])
  expect(sent.take(['a', 'b', 'c'])).toEqual(['a', 'c'])
})
