import { expect, test } from 'vitest'
import {
  AlreadyExistsError,
  BadDeviceResponseError,
  ConflictError,
  DeviceOfflineError,
  DeviceTimeoutError,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
  UnauthorizedError,
} from '../../src/errors.ts'
import { classicBody, failureOf, RestError, structuredBody } from '../../src/rest/errors.ts'

const tracking = { trackingId: 'abc', now: new Date('2024-05-01T10:00:00.500Z') }

test.each([
  [new NotFoundError('device', 'd'), 404, 404001, 'DeviceNotFound'],
  [new NotFoundError('job', 'j'), 404, 404002, 'JobNotFound'],
  [new AlreadyExistsError('device', 'd'), 409, 409001, 'DeviceAlreadyExists'],
  [new AlreadyExistsError('job', 'j'), 409, 409104, 'JobAlreadyExists'],
  [new ConflictError('x'), 405, 405102, 'OperationNotAllowedInCurrentState'],
  [new PreconditionError('x'), 412, 412001, 'PreconditionFailed'],
  [new InvalidInputError([], 'x'), 400, 400004, 'ArgumentInvalid'],
  [new QueryConditionError('x', 1, 2), 400, 400004, 'ArgumentInvalid'],
  [new LimitExceededError('x', 1), 429, 429001, 'ThrottlingException'],
  [new DeviceOfflineError('x'), 404, 404103, 'DeviceNotOnline'],
  [new DeviceTimeoutError('x'), 504, 504101, 'GatewayTimeout'],
  [new BadDeviceResponseError('x'), 502, 502001, 'BadDeviceResponse'],
  [new UnauthorizedError('x'), 401, 401002, 'IotHubUnauthorizedAccess'],
  [new UnauthorizedError('x', 'x', { code: 'TOKEN_EXPIRED' }), 401, 401002, 'IotHubUnauthorizedAccess'],
  [new RestError('TooManyDevices', 'x'), 413, 413002, 'TooManyDevices'],
])('%o has the status and the code of IoT Hub', (error, status, number, name) => {
  expect(failureOf(error)).toMatchObject({ status, number, name })
})

test('anything else is a fault, of which nothing is shown', () => {
  expect(failureOf(new TypeError('secret'))).toBeUndefined()
})

test('a text has no semicolon, at which the Azure SDK would cut it', () => {
  const failure = failureOf(new InvalidInputError([], 'within [5; 300]; not 4'))
  expect(failure?.message).toBe('within [5, 300], not 4')
})

test('a name with a semicolon is still that name in a text', () => {
  expect(failureOf(new NotFoundError('device', 'a;b'))?.message).toBe('There is no device "a\\u003bb".')
  const hint = failureOf(new QueryConditionError("write deviceId = 'a;b'; not a;b", 1, 1))?.message
  expect(hint).toBe("write deviceId = 'a\\u003bb', not a,b (line 1, column 1)")
})

test('the classic form has the code and the text in one line, and where to look for more', () => {
  expect(classicBody({ ...shown, message: 'no such device' }, tracking)).toEqual({
    Message: 'ErrorCode:DeviceNotFound;no such device',
    ExceptionMessage: 'Tracking ID:abc-TimeStamp:05/01/2024 10:00:00',
  })
})

test('the structured form has a JSON text with the number', () => {
  const body = JSON.parse(JSON.stringify(structuredBody(shown, tracking)))
  expect(body.ExceptionMessage).toBe('')
  expect(JSON.parse(body.Message)).toEqual({
    errorCode: 404001,
    trackingId: 'abc',
    message: 'm',
    info: {},
    timestampUtc: '2024-05-01T10:00:00.500Z',
  })
})

const shown = { status: 404, number: 404001, name: 'DeviceNotFound', message: 'm', headers: {} } as const
