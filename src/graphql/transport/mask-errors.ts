import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { isTemporary, retryAfterSeconds, temporaryMessage } from '../../database/outage.ts'
import {
  AnswerTooLargeError,
  DomainError,
  faultMessage,
  InvalidInputError,
  IssuerUnavailableError,
  LimitExceededError,
  OutOfScopeError,
  QueryConditionError,
} from '../../errors.ts'
import type { Log } from '../../log/log.ts'

/**
 * Turns an error into the one that clients see. `requestId` is that of the request, for the log; undefined for errors of
 * what several requests share.
 */
export type Mask = (error: unknown, requestId?: string) => GraphQLError

/**
 * The part of an error that clients may see. Request errors are shown as they are. Domain errors outside a result union
 * are shown with their code in `extensions`. Temporary failures of the database are shown as such. Every other error is
 * a fault: clients get a reference, and the log has the cause under this reference, once.
 */
export function createMask(log: Log): Mask {
  // The same error may pass twice, with a result and with the request.
  const masked = new WeakMap<object, GraphQLError>()
  const mask: Mask = (error, requestId) => {
    const cause = causeOf(error)
    if (cause instanceof GraphQLError) return cause
    const { nodes = null, path = null } = error instanceof GraphQLError ? error : {}
    const known = domainExtensions(cause) ?? databaseExtensions(cause)
    if (known !== undefined) return new GraphQLError(known.message, { nodes, path, extensions: known.extensions })
    const temporary = temporaryMessage(cause)
    if (temporary !== undefined) {
      log.warn({ err: cause, requestId }, 'GraphQL request failed: database unavailable')
      return new GraphQLError(temporary, { nodes, path, extensions: unavailable() })
    }
    const reference = randomUUID()
    log.error({ err: cause, reference, requestId, path: path?.join('.') }, 'GraphQL request failed')
    return new GraphQLError(faultMessage(reference), {
      nodes,
      path,
      extensions: { code: 'INTERNAL_SERVER_ERROR', reference },
    })
  }
  return (error, requestId) => {
    if (typeof error !== 'object' || error === null) return mask(error, requestId)
    const before = masked.get(error)
    if (before !== undefined) return before
    const result = mask(error, requestId)
    masked.set(error, result)
    masked.set(result, result)
    return result
  }
}

/** Whether the error says that the client may retry. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof GraphQLError
    ? error.extensions.code === 'SERVICE_UNAVAILABLE'
    : error instanceof IssuerUnavailableError || isTemporary(error)

/**
 * The extensions of an outage. Yoga takes the HTTP status from `http`, which is not enumerable, so clients do not see
 * it.
 */
function unavailable(): Record<string, unknown> {
  const headers = { 'Retry-After': String(retryAfterSeconds) }
  return Object.defineProperty({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds }, 'http', {
    value: { status: 503, headers },
  })
}

/** The error that was thrown. A GraphQLError only if a GraphQLError was thrown. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError) || error.originalError === undefined) return error
  const cause = causeOf(error.originalError)
  return cause instanceof GraphQLError ? error : cause
}

type Shown = { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }

function domainExtensions(cause: unknown): Shown | undefined {
  if (!(cause instanceof DomainError)) return undefined
  const { message, code } = cause
  if (cause instanceof QueryConditionError)
    return { message, extensions: { code, line: cause.line, column: cause.column } }
  if (cause instanceof InvalidInputError) return { message, extensions: { code, path: cause.path } }
  if (cause instanceof OutOfScopeError) return { message, extensions: { code, missing: { scope: cause.scope } } }
  if (cause instanceof LimitExceededError) {
    return { message, extensions: { code, retryAfterSeconds: cause.retryAfterSeconds } }
  }
  if (cause instanceof AnswerTooLargeError) {
    return { message, extensions: { code, limit: cause.limit, maximum: cause.maximum } }
  }
  return { message, extensions: { code } }
}

/** Database errors that clients cause: text that PostgreSQL cannot store. */
function databaseExtensions(cause: unknown): Shown | undefined {
  const codes = codesIn(cause)
  if (codes.has('22021')) {
    return { message: 'Text must not contain the character U+0000.', extensions: { code: 'INVALID_INPUT' } }
  }
  return undefined
}

/** The code of an error of the driver or of Prisma, and the code of a driver error inside an error of Prisma. */
function codesIn(error: unknown): ReadonlySet<unknown> {
  const member = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  const driver = member(member(member(error, 'meta'), 'driverAdapterError'), 'cause')
  return new Set([member(error, 'code'), member(driver, 'originalCode')])
}
