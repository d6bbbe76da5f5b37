import { expect, test } from 'vitest'
import { describeNoDevices, describeRetried } from '../../../src/console/pages/job/target-words.ts'

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

test('a job without devices says why, by the time at which it selects them', () => {
  const waiting = { selectedTime: null, startedTime: null, endTime: null }
  const time = '2026-03-01T06:00:00.000Z'
  const selected = { ...waiting, selectedTime: time }
  const running = { ...selected, startedTime: time }
  expect(describeNoDevices('AT_START', waiting)).toBe('Devices are selected when the job starts.')
  expect(describeNoDevices('CONTINUOUS', waiting)).toBe('Devices are selected when the job starts.')
  expect(describeNoDevices('AT_CREATION', waiting)).toBe('Devices are being selected.')
  expect(describeNoDevices('AT_CREATION', selected)).toBe('No devices matched when the job was created.')
  expect(describeNoDevices('CONTINUOUS', running)).toBe('No devices match yet.')
  expect(describeNoDevices('CONTINUOUS', { ...running, endTime: time })).toBe('No devices matched while the job ran.')
  expect(describeNoDevices('AT_START', { ...running, endTime: time })).toBe('No devices matched when the job started.')
  expect(describeNoDevices('AT_CREATION', { ...selected, endTime: time })).toBe(
    'The job did not start. No devices were changed.',
  )
})
