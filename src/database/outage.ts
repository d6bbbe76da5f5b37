/** SQLSTATEs of a server that shuts down, starts, or has no free connections. All of class 08 concern connections. */
const states = /^(?:08...|57P0[123]|53300)$/

/** Codes that the system reports for connections, and Prisma's where it keeps none of those. */
const codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
])

/** Errors of the driver that have no code. */
const messages = /^(?:Connection terminated|timeout e|Query read timeout|Client has encountered a connection error)/

/** The database does not answer. Its connections were closed, and none is opened before it answers again. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError'
  constructor() {
    super('The database does not answer.')
  }
}

/**
 * Whether the error means that the database is unreachable, starting up or shutting down, so that a read can be
 * repeated. Accepts errors of `pg` and of Prisma, and errors caused by one of them.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof DatabaseUnavailableError || messages.test(error.message)) return true
  // A name with several addresses, none of which could be reached.
  if (error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isOutage)) return true
  const driver = driverError(error)
  const found = [memberOf(error, 'code'), memberOf(driver, 'originalCode')]
  if (found.some((code) => typeof code === 'string' && (codes.has(code) || states.test(code)))) return true
  return error.cause !== undefined && isOutage(error.cause)
}

/** Seconds after which a client that met an outage may try again. */
export const retryAfterSeconds = 3

/** The message to a client during an outage. Whether a statement without an answer was executed is unknown. */
export const outageMessage =
  'The database of the hub is unreachable. Retry later. If the request was to change something, the change may have been made.'

/** Whether the server refused a connection because it has no free ones. Such a server does answer. */
export function isFull(error: unknown): boolean {
  return memberOf(error, 'code') === '53300' || memberOf(driverError(error), 'originalCode') === '53300'
}

/** The part of the driver's error that Prisma keeps. */
const driverError = (error: unknown): unknown =>
  memberOf(memberOf(memberOf(error, 'meta'), 'driverAdapterError'), 'cause')

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
