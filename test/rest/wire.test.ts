import { expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { jobFilterFrom, jobRequestFrom } from '../../src/rest/job-wire.ts'
import { timeFrom, timeText } from '../../src/rest/wire.ts'

test.each([
  ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01T10:00:00.1234567Z', '2024-05-01T10:00:00.123Z'],
  ['2024-05-01T10:00:00.12Z', '2024-05-01T10:00:00.120Z'],
  ['2024-05-01T12:00:00+02:00', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01T05:30:00-0430', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01T10:00:00', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01 10:00:00', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01', '2024-05-01T00:00:00.000Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
])('%s is a time', (text, iso) => {
  expect(timeFrom(text, ['startTime'])?.toISOString()).toBe(iso)
})

test.each([['soon'], [''], ['2024-13-01'], ['2024-05-01T25:00:00Z'], ['10:00'], [1714557600], [true], [{}]])(
  '%j is no time',
  (value) => {
    expect(() => timeFrom(value, ['startTime'])).toThrow(InvalidInputError)
  },
)

test('null and nothing stand for no time, and no time is the first day of our era', () => {
  expect([timeFrom(null, []), timeFrom(undefined, [])]).toEqual([undefined, undefined])
  expect(timeText(null)).toBe('0001-01-01T00:00:00Z')
})

const typeOf = (type: unknown) => jobRequestFrom({ type, queryCondition: '*' }, 'j').type

test.each([
  ['scheduleDeviceMethod', 'scheduleDeviceMethod'],
  ['ScheduleDeviceMethod', 'scheduleDeviceMethod'],
  ['scheduleDirectRequest', 'scheduleDeviceMethod'],
  ['scheduleDirectMethod', 'scheduleDeviceMethod'],
  ['scheduledDeviceMethod', 'scheduleDeviceMethod'],
  ['scheduleUpdateTwin', 'scheduleUpdateTwin'],
  ['scheduleTwinUpdate', 'scheduleUpdateTwin'],
  ['scheduledUpdateTwin', 'scheduleUpdateTwin'],
])('a job of type %s is one of %s', (spelling, type) => {
  expect(typeOf(spelling)).toBe(type)
})

test.each([['unknown'], ['export'], ['constructor'], [''], [1], [null], [undefined]])(
  '%j is no type of job',
  (type) => {
    expect(() => typeOf(type)).toThrow(expect.objectContaining({ code: 'GenericBadRequest' }))
  },
)

test.each([
  ['pending', 'queued'],
  ['enqueued', 'queued'],
  ['Queued', 'queued'],
  ['scheduled', 'scheduled'],
  ['RUNNING', 'running'],
  ['finished', 'completed'],
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['canceled', 'cancelled'],
  ['Cancelled', 'cancelled'],
])('a filter for %s jobs is one for %s', (spelling, status) => {
  expect(jobFilterFrom(new URLSearchParams({ jobStatus: spelling }))).toEqual({ type: undefined, status })
})

test.each([
  ['ScheduleDeviceMethod', 'scheduleDeviceMethod'], // as the C# client names them
  ['ScheduleUpdateTwin', 'scheduleUpdateTwin'],
  ['scheduleDirectRequest', 'scheduleDeviceMethod'],
])('a filter for jobs of type %s is one for %s', (spelling, type) => {
  expect(jobFilterFrom(new URLSearchParams({ jobType: spelling }))).toEqual({ type, status: undefined })
})

test('a filter for what there is not is refused', () => {
  expect(() => jobFilterFrom(new URLSearchParams({ jobStatus: 'done' }))).toThrow('jobStatus must be one of queued')
  expect(() => jobFilterFrom(new URLSearchParams({ jobType: 'toString' }))).toThrow('jobType must be one of schedule')
  expect(jobFilterFrom(new URLSearchParams({ jobType: '', jobStatus: '' }))).toEqual({})
})

test('a job may be called by a number, and the timeout of a method by the name in the documentation of the SDK', () => {
  const body = {
    jobId: 7,
    type: 'scheduleDeviceMethod',
    cloudToDeviceMethod: { methodName: 'm', timeoutInSeconds: 9 },
    updateTwin: null,
    maxExecutionTime: 5,
  }
  expect(jobRequestFrom(body, '7')).toMatchObject({
    jobId: '7',
    cloudToDeviceMethod: { methodName: 'm', responseTimeoutInSeconds: 9 },
    updateTwin: null,
  })
  expect(() => jobRequestFrom(body, '8')).toThrow('The jobId in the body differs from the one in the path.')
})
