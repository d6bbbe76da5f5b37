import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { isOutage, outageMessage, retryAfterSeconds } from '../../database/outage.ts'
import {
  AnswerTooLargeError,
  DomainError,
  InvalidInputError,
  LimitExceededError,
  QueryConditionError,
} from '../../errors.ts'
import type { Log } from '../../log/log.ts'

/**
 * What clients may see of an error. Errors of the request are shown, domain errors where no result union takes them up
 * with their code in `extensions`, outages of the database as what passes. Everything else is a fault: clients get a reference, and the log has the cause under
 * the same, once.
 */
export function createMask(log: Log): (error: unknown) => GraphQLError {
  // One error may come by twice, with a result and with the request.
  const masked = new WeakMap<object, GraphQLError>()
  const mask = (error: unknown): GraphQLError => {
    const cause = causeOf(error)
    if (cause instanceof GraphQLError) return cause
    const { nodes = null, path = null } = error instanceof GraphQLError ? error : {}
    const known = domainExtensions(cause) ?? databaseExtensions(cause)
    if (known !== undefined) return new GraphQLError(known.message, { nodes, path, extensions: known.extensions })
    if (isOutage(cause)) {
      log.warn({ err: cause }, 'a GraphQL request met an outage of the database')
      return new GraphQLError(outageMessage, { nodes, path, extensions: unavailable() })
    }
    const reference = randomUUID()
    log.error({ err: cause, reference, path: path?.join('.') }, 'a GraphQL request failed')
    return new GraphQLError(`The hub failed to do this. Its log has the cause under ${reference}.`, {
      nodes,
      path,
      extensions: { code: 'INTERNAL_SERVER_ERROR', reference },
    })
  }
  return (error) => {
    if (typeof error !== 'object' || error === null) return mask(error)
    const before = masked.get(error)
    if (before !== undefined) return before
    const result = mask(error)
    masked.set(error, result)
    masked.set(result, result)
    return result
  }
}

/** Whether a client is told by the error that it may come again. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof GraphQLError ? error.extensions.code === 'SERVICE_UNAVAILABLE' : isOutage(error)

/** Yoga takes the status of an answer from `http`, which is no member for clients. */
function unavailable(): Record<string, unknown> {
  const headers = { 'Retry-After': String(retryAfterSeconds) }
  return Object.defineProperty({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds }, 'http', {
    value: { status: 503, headers },
  })
}

/** What was thrown; a GraphQLError when that was one from the start. */
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
  if (cause instanceof LimitExceededError) {
    return { message, extensions: { code, retryAfterSeconds: cause.retryAfterSeconds } }
  }
  if (cause instanceof AnswerTooLargeError) {
    return { message, extensions: { code, limit: cause.limit, maximum: cause.maximum } }
  }
  return { message, extensions: { code } }
}

/** Faults that are not ours: a text that PostgreSQL cannot hold, and a row that another client has just deleted. */
function databaseExtensions(cause: unknown): Shown | undefined {
  const codes = codesIn(cause)
  if (codes.has('22021')) {
    return { message: 'No text here may hold the character U+0000.', extensions: { code: 'INVALID_INPUT' } }
  }
  if (codes.has('P2025')) return { message: 'It has been deleted meanwhile.', extensions: { code: 'NOT_FOUND' } }
  return undefined
}

/** The code of an error of the driver or of Prisma, and that of the driver's error inside Prisma's. */
function codesIn(error: unknown): ReadonlySet<unknown> {
  const member = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  const driver = member(member(member(error, 'meta'), 'driverAdapterError'), 'cause')
  return new Set([member(error, 'code'), member(driver, 'originalCode')])
}
