import { expect, test } from 'vitest'
import { describeRetried } from '../../../src/console/pages/job/target-words.ts'

const nothing = { status: null, result: null, errorCode: null, responseStatus: null }

test('the devices of a retry are named by what they did', () => {
  const described = (selection: Partial<typeof nothing> | object, deviceCount?: number) =>
    describeRetried('reboot-all', { ...nothing, ...selection }, deviceCount, String)
  expect(described({ status: ['COMPLETED'], responseStatus: [409] }, 20)).toBe(
    '20 devices of reboot-all that answered 409',
  )
  expect(described({ responseStatus: [409, 500, 503] })).toBe('Devices of reboot-all that answered 409, 500 or 503')
  expect(described({ status: ['FAILED'], errorCode: ['GatewayTimeout'] }, 1)).toBe(
    '1 device of reboot-all that failed with GatewayTimeout',
  )
  expect(described({ result: ['FAILED', 'REFUSED'] }, 3)).toBe('3 devices of reboot-all that failed or refused')
  expect(described({ status: ['CANCELLED'] }, 3)).toBe('3 devices of reboot-all that were not reached')
  expect(described({ status: ['FAILED', 'CANCELLED', 'COMPLETED'] }, 8)).toBe('8 devices of reboot-all')
})

test('a selection that is hidden from the viewer is not guessed', () => {
  expect(describeRetried('reboot-all', null, undefined, String)).toBe('Devices of reboot-all')
})
