import { retryAfterSeconds, temporaryMessage } from '../database/outage.ts'
import {
  AlreadyExistsError,
  AnswerTooLargeError,
  DomainError,
  faultMessage,
  LimitExceededError,
  NotFoundError,
  OutOfTimeError,
  UnauthorizedError,
} from '../errors.ts'

/** IoT Hub's error codes in use here: HTTP status, number, name. */
const codes = {
  GenericBadRequest: [400, 400000],
  InvalidProtocolVersion: [400, 400001],
  InvalidOperation: [400, 400003],
  ArgumentInvalid: [400, 400004],
  ArgumentNull: [400, 400005],
  DeviceDefinedMultipleTimes: [400, 400011],
  DeserializationError: [400, 400012],
  BulkRegistryOperationFailure: [400, 400013],
  IotHubUnauthorizedAccess: [401, 401002],
  GenericNotFound: [404, 404000],
  DeviceNotFound: [404, 404001],
  JobNotFound: [404, 404002],
  DeviceNotOnline: [404, 404103],
  GenericMethodNotAllowed: [405, 405000],
  OperationNotAllowedInCurrentState: [405, 405102],
  DeviceAlreadyExists: [409, 409001],
  JobAlreadyExists: [409, 409104],
  PreconditionFailed: [412, 412001],
  MessageTooLarge: [413, 413001],
  TooManyDevices: [413, 413002],
  GenericUnsupportedMediaType: [415, 415000],
  ThrottlingException: [429, 429001],
  ServerError: [500, 500001],
  BadDeviceResponse: [502, 502001],
  ServiceUnavailable: [503, 503001],
  GatewayTimeout: [504, 504101],
} as const satisfies Readonly<Record<string, readonly [status: number, number: number]>>

/** The name of an error code. */
export type ErrorName = keyof typeof codes

/** A failure of the REST API itself, which no domain error expresses. */
export class RestError extends Error {
  override readonly name = 'RestError'
  readonly code: ErrorName
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>
  constructor(code: ErrorName, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.headers = headers
  }
}

/** A failure in IoT Hub's terms. */
export type Failure = {
  readonly status: number
  readonly number: number
  readonly name: ErrorName
  readonly message: string
  readonly headers: Readonly<Record<string, string>>
}

function failure(name: ErrorName, message: string, headers: Readonly<Record<string, string>> = {}): Failure {
  const [status, number] = codes[name]
  return { status, number, name, message: withoutSemicolons(message), headers }
}

/**
 * The text without semicolons, at which the Azure SDK for Node cuts it. In a quoted name the character is escaped, as
 * in JSON and the query language: a device may have such a name, and the message must not show another one.
 */
function withoutSemicolons(message: string): string {
  return message.replaceAll(/"[^"]*"|'[^'\s]*'|;/g, (part) => (part === ';' ? ',' : part.replaceAll(';', '\\u003b')))
}

/** The code of a domain error. */
function nameOf(error: DomainError): ErrorName {
  if (error instanceof NotFoundError) return error.kind === 'device' ? 'DeviceNotFound' : 'JobNotFound'
  if (error instanceof AlreadyExistsError) return error.kind === 'device' ? 'DeviceAlreadyExists' : 'JobAlreadyExists'
  // Not ThrottlingException: clients of IoT Hub repeat that for minutes, and this would take as long each time.
  if (error instanceof OutOfTimeError) return 'ArgumentInvalid'
  // Trying again would be useless, as it would be after 429.
  if (error instanceof AnswerTooLargeError) return 'MessageTooLarge'
  switch (error.code) {
    case 'NOT_FOUND':
      return 'GenericNotFound'
    case 'ALREADY_EXISTS':
      return 'DeviceAlreadyExists'
    case 'CONFLICT':
      return 'OperationNotAllowedInCurrentState'
    case 'PRECONDITION_FAILED':
    case 'EXPECTATION_FAILED':
      return 'PreconditionFailed'
    case 'INVALID_INPUT':
    case 'QUERY_CONDITION':
      return 'ArgumentInvalid'
    case 'LIMIT_EXCEEDED':
      return 'ThrottlingException'
    case 'DEVICE_OFFLINE':
      return 'DeviceNotOnline'
    // SDKs of IoT Hub recognize it by its status, and do not repeat the call, which has run.
    case 'BAD_DEVICE_RESPONSE':
      return 'BadDeviceResponse'
    case 'DEVICE_TIMEOUT':
      return 'GatewayTimeout'
    case 'PAYLOAD_NOT_SHOWN':
      return 'ServerError'
    case 'UNAUTHORIZED':
    case 'TOKEN_EXPIRED':
    case 'TOKEN_INVALID':
    case 'FORBIDDEN':
      return 'IotHubUnauthorizedAccess'
  }
}

function headersOf(error: DomainError): Readonly<Record<string, string>> {
  if (error instanceof LimitExceededError && !(error instanceof OutOfTimeError))
    return { 'retry-after': String(error.retryAfterSeconds) }
  return error instanceof UnauthorizedError ? { 'www-authenticate': 'SharedAccessSignature' } : {}
}

/** The answer to an expected failure; undefined for a fault of the hub, whose details must not be shown. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof RestError) return failure(error.code, error.message, error.headers)
  if (error instanceof DomainError) return failure(nameOf(error), error.message, headersOf(error))
  return undefined
}

/** The answer while the database is unavailable or busy; undefined for another error. */
export function outageOf(error: unknown): Failure | undefined {
  const message = temporaryMessage(error)
  if (message === undefined) return undefined
  return failure('ServiceUnavailable', message, { 'retry-after': String(retryAfterSeconds) })
}

/** The answer to a fault of the hub. The log has its cause under the tracking id. */
export function faultOf(trackingId: string): Failure {
  return failure('ServerError', faultMessage(trackingId))
}

/** Identifies a failure in a body and in the log. */
export type Tracking = { readonly trackingId: string; readonly now: Date }

/** The form of most failures: `{"Message":"ErrorCode:Name;text","ExceptionMessage":"Tracking ID:…"}`. */
export function classicBody({ name, message }: Failure, { trackingId, now }: Tracking): object {
  return {
    Message: `ErrorCode:${name};${message}`,
    ExceptionMessage: `Tracking ID:${trackingId}-TimeStamp:${americanTime(now)}`,
  }
}

/** The form of direct methods: a JSON text inside the message, in which clients look for the number. */
export function structuredBody({ number, message }: Failure, { trackingId, now }: Tracking): object {
  const inner = { errorCode: number, trackingId, message, info: {}, timestampUtc: now.toISOString() }
  return { Message: JSON.stringify(inner), ExceptionMessage: '' }
}

/** `05/01/2024 10:00:00`, in UTC. */
function americanTime(time: Date): string {
  const [, year, month, day, clock] = /^(\d+)-(\d\d)-(\d\d)T([\d:]+)/.exec(time.toISOString()) ?? []
  return `${month}/${day}/${year} ${clock}`
}
