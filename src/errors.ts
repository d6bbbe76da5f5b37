/**
 * Every expected failure, each with a stable code. The protocol adapters translate them (GraphQL union members, IoT Hub
 * status and body, MQTT status). Any other error is a fault of the hub: it is logged, and its details are not shown.
 */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'EXPECTATION_FAILED'
  | 'INVALID_INPUT'
  | 'QUERY_CONDITION'
  | 'LIMIT_EXCEEDED'
  | 'DEVICE_OFFLINE'
  | 'DEVICE_TIMEOUT'
  | 'BAD_DEVICE_RESPONSE'
  | 'PAYLOAD_NOT_SHOWN'
  | 'UNAUTHORIZED'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_INVALID'
  | 'FORBIDDEN'

/** A name inside a sentence, truncated: no device or job has a longer one. */
export const shown = (name: string): string => (name.length > 128 ? `${name.slice(0, 128)}…` : name)

/**
 * What clients learn of a fault. The log has its cause under the same reference, which some protocols call tracking id.
 */
export const faultMessage = (reference: string): string =>
  `The hub has an internal error. Its log has the cause under ${reference}.`

/** What all domain errors share: a sentence for users and a code for programs. */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode
}

/** There is no device, job or other thing with that id. */
export class NotFoundError extends DomainError {
  override readonly name = 'NotFoundError'
  readonly code = 'NOT_FOUND'
  readonly kind: 'device' | 'job' | 'webhook' | 'delivery' | 'device group' | 'job template' | 'job schedule'
  readonly key: string
  constructor(kind: NotFoundError['kind'], key: string, message = `There is no ${kind} "${shown(key)}".`) {
    super(message)
    this.kind = kind
    this.key = key
  }
}

/** A device that may not be called. IoT Hub has one code for it and for an unknown device. */
export class DeviceDisabledError extends NotFoundError {
  constructor(deviceId: string) {
    super('device', deviceId, `The device "${shown(deviceId)}" is disabled.`)
  }
}

/** The id is taken, possibly by an ended job that is still kept as history. */
export class AlreadyExistsError extends DomainError {
  override readonly name = 'AlreadyExistsError'
  readonly code = 'ALREADY_EXISTS'
  readonly kind: 'device' | 'job' | 'job template' | 'job schedule'
  readonly key: string
  constructor(kind: AlreadyExistsError['kind'], key: string) {
    super(`The ${kind} "${shown(key)}" already exists.`)
    this.kind = kind
    this.key = key
  }
}

/** The state of the thing does not allow the change. */
export class ConflictError extends DomainError {
  override readonly name = 'ConflictError'
  readonly code = 'CONFLICT'
}

/** The client's etag is outdated. */
export class PreconditionError extends DomainError {
  override readonly name = 'PreconditionError'
  readonly code = 'PRECONDITION_FAILED'
}

/**
 * The devices that meet a condition differ from those that a client expects. `deviceCount` and `fingerprint` are the
 * current ones.
 */
export class ExpectationFailedError extends DomainError {
  override readonly name = 'ExpectationFailedError'
  readonly code = 'EXPECTATION_FAILED'
  readonly deviceCount: number
  readonly fingerprint: string
  constructor(message: string, deviceCount: number, fingerprint: string) {
    super(message)
    this.deviceCount = deviceCount
    this.fingerprint = fingerprint
  }
}

/** An argument breaks a rule. `path` names it from the input's root: `['updateTwin', 'tags', 'a.b']`. */
export class InvalidInputError extends DomainError {
  override readonly name = 'InvalidInputError'
  readonly code = 'INVALID_INPUT'
  readonly path: readonly string[]
  constructor(path: readonly string[], message: string) {
    super(message)
    this.path = path
  }
}

/** A condition does not parse, or exceeds a limit. `line` and `column` count from 1. */
export class QueryConditionError extends DomainError {
  override readonly name = 'QueryConditionError'
  readonly code = 'QUERY_CONDITION'
  readonly line: number
  readonly column: number
  constructor(message: string, line: number, column: number) {
    super(`${message} (line ${line}, column ${column})`)
    this.line = line
    this.column = column
  }
}

/** More than this hub accepts at once. */
export class LimitExceededError extends DomainError {
  override readonly name: string = 'LimitExceededError'
  readonly code = 'LIMIT_EXCEEDED'
  /** Seconds after which the request may be repeated. */
  readonly retryAfterSeconds: number
  constructor(message: string, retryAfterSeconds: number) {
    super(message)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** A query takes too long. Repeated, it takes as long, unless the hub was busy with other work. */
export class OutOfTimeError extends LimitExceededError {
  constructor(seconds: number) {
    super(
      `The query takes more than ${seconds} seconds. Narrow the condition, first with comparisons that few devices meet, or request less.`,
      Math.ceil(seconds),
    )
  }
}

/** The answer, or a row of it, would exceed its maximum size. */
export class AnswerTooLargeError extends DomainError {
  override readonly name = 'AnswerTooLargeError'
  readonly code = 'LIMIT_EXCEEDED'
  readonly limit: 'answerBytes' | 'pageBytes'
  readonly maximum: number
  constructor(limit: 'answerBytes' | 'pageBytes', maximum: number) {
    super(
      limit === 'answerBytes'
        ? `The response would be larger than ${maximum} bytes. Request fewer rows per page, or fewer fields.`
        : `A row would be larger than ${maximum} bytes. Select fewer or smaller members.`,
    )
    this.limit = limit
    this.maximum = maximum
  }
}

/** A method call to a device that is not connected, or has not subscribed to methods, within the connect timeout. */
export class DeviceOfflineError extends DomainError {
  override readonly name = 'DeviceOfflineError'
  readonly code = 'DEVICE_OFFLINE'
}

/** The device received the method call, and its answer cannot be passed on: the method ran. */
export class BadDeviceResponseError extends DomainError {
  override readonly name = 'BadDeviceResponseError'
  readonly code = 'BAD_DEVICE_RESPONSE'
}

/** The device received the method call and did not answer in time. */
export class DeviceTimeoutError extends DomainError {
  override readonly name = 'DeviceTimeoutError'
  readonly code = 'DEVICE_TIMEOUT'
}

/** A stored value that cannot be shown; the rest of the answer can. */
export class NotShownError extends DomainError {
  override readonly name = 'NotShownError'
  readonly code = 'PAYLOAD_NOT_SHOWN'
}

/** The viewer may see the object, but its scope does not allow this. */
export class OutOfScopeError extends DomainError {
  override readonly name = 'OutOfScopeError'
  readonly code = 'FORBIDDEN'
  /** The scope of the viewer, as one condition. */
  readonly scope: string | null
  constructor(message: string, scope: string | null) {
    super(message)
    this.scope = scope
  }
}

/** The challenge of a 401 response: the kinds of credentials that the hub accepts. */
const sharedAccess = 'SharedAccessSignature'

/** The token is missing, invalid, or lacks the right. */
export class UnauthorizedError extends DomainError {
  override readonly name: string = 'UnauthorizedError'
  /** TOKEN_EXPIRED: the token was good until it expired. TOKEN_INVALID: it was sent and is not good. */
  readonly code: 'UNAUTHORIZED' | 'TOKEN_EXPIRED' | 'TOKEN_INVALID'
  /** The exact reason, for the log only: it must not help to guess tokens. */
  readonly reason: string
  /** The header `WWW-Authenticate` of the answer. */
  readonly challenge: string
  /** What the hub would have to accept, for programs: it is the client's own text. */
  readonly missing: { readonly issuer: string } | undefined
  constructor(
    message: string,
    reason = message,
    {
      code = 'UNAUTHORIZED',
      challenge = sharedAccess,
      missing,
    }: Partial<Pick<UnauthorizedError, 'code' | 'challenge' | 'missing'>> = {},
  ) {
    super(message)
    this.code = code
    this.reason = reason
    this.challenge = challenge
    this.missing = missing
  }
}

/**
 * The issuer of a token is unreachable, and the hub does not have its keys yet: the token may be good. Like an outage
 * of the database, this is temporary.
 */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError'
  constructor() {
    super('The issuer of the token is unreachable, and the hub does not have its keys yet. Retry later.')
  }
}
