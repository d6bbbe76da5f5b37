/** SQLSTATEs of a server that goes down, comes up, or takes no more connections. All of class 08 are about connections. */
const states = /^(?:08...|57P0[123]|53300)$/

/** What the system says of connections, and Prisma where it keeps nothing of that. */
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

/** The database does not answer: connections to it were given up, and new ones are not tried before it answers again. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError'
  constructor() {
    super('The database does not answer.')
  }
}

/**
 * Whether it is an error of a database that cannot be reached, or is starting up or shutting down: a read that met it may
 * be tried again. Takes errors of `pg` and of Prisma, and what has one of them as its cause.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof DatabaseAwayError || messages.test(error.message)) return true
  // A name with several addresses: none of them could be reached.
  if (error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isOutage)) return true
  const driver = driverError(error)
  const found = [memberOf(error, 'code'), memberOf(driver, 'originalCode')]
  if (found.some((code) => typeof code === 'string' && (codes.has(code) || states.test(code)))) return true
  return error.cause !== undefined && isOutage(error.cause)
}

/** Seconds after which a client that met an outage may come again. */
export const retryAfterSeconds = 3

/** What a client is told of an outage. Whether a statement without an answer was carried out is unknown. */
export const outageMessage =
  'The database of the hub does not answer at the moment: try again. A change may have been made all the same.'

/** Whether the server refused a connection because it has no more of them: it does answer. */
export function isFull(error: unknown): boolean {
  return memberOf(error, 'code') === '53300' || memberOf(driverError(error), 'originalCode') === '53300'
}

/** What Prisma keeps of the driver's error. */
const driverError = (error: unknown): unknown =>
  memberOf(memberOf(memberOf(error, 'meta'), 'driverAdapterError'), 'cause')

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
