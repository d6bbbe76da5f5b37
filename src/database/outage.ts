const readOnly = '25006'

/**
 * SQLSTATEs of a server that shuts down, starts, has no free connections, or has closed one that was idle for too long.
 * All of class 08 concern connections.
 */
const states = /^(?:08...|57P0[1235]|25P0[34]|53300)$/

/**
 * SQLSTATEs of statements that PostgreSQL did not carry out although they may succeed later, each with its reason as a
 * sentence for clients. The connection is good, and the transaction is undone. Transactions are repeated some times
 * after 40001 and 40P01 (client.ts). Reads with a time limit of their own have an error of their own for 57014
 * (bounded-read.ts).
 */
const busyStates: ReadonlyMap<string, string> = new Map([
  ['55P03', 'The database of the hub waited too long for a lock.'],
  ['57014', 'The database of the hub took too long.'],
  ['40001', 'The change collided with other changes again and again.'],
  ['40P01', 'The change collided with other changes again and again.'],
  ['53100', 'The disk of the database of the hub is full.'],
  ['53200', 'The database of the hub is out of memory.'],
  ['53400', 'A limit of the database of the hub is too low for this request.'],
  // A standby, or a server that its operator has made read-only.
  [readOnly, 'The database of the hub is read-only.'],
])

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
  if (codesOf(error).some((code) => codes.has(code) || states.test(code))) return true
  return error.cause !== undefined && isOutage(error.cause)
}

/** Whether the request may succeed later, after an outage or on a less busy database. */
export const isTemporary = (error: unknown): boolean => isOutage(error) || busyReason(error) !== undefined

/** Seconds after which a client whose request failed for the time being may try again. */
export const retryAfterSeconds = 3

/**
 * The message to a client whose request failed because of the database and may succeed later; undefined for another
 * error.
 */
export function temporaryMessage(error: unknown): string | undefined {
  const reason = isOutage(error) ? 'The database of the hub is unreachable.' : busyReason(error)
  // Whether a statement without an answer was executed is unknown, and a request can be several transactions.
  return reason && `${reason} Retry later. If the request was to change something, the change may have been made.`
}

/** Why PostgreSQL did not carry out a statement that may succeed later. Accepts the same errors as `isOutage`. */
function busyReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const reason = codesOf(error)
    .map((code) => busyStates.get(code))
    .find((found) => found !== undefined)
  return reason ?? (error.cause === undefined ? undefined : busyReason(error.cause))
}

/** Whether the server refused a connection because it has no free ones. Such a server does answer. */
export const isFull = (error: unknown): boolean => codesOf(error).includes('53300')

/** Whether the server refused a change because it is read-only. After a failover, a new connection may find another. */
export const isReadOnly = (error: unknown): boolean => codesOf(error).includes(readOnly)

/** The codes of an error of the driver, or of Prisma and of the part of the driver's error that Prisma keeps. */
function codesOf(error: unknown): string[] {
  const driver = memberOf(memberOf(memberOf(error, 'meta'), 'driverAdapterError'), 'cause')
  const found = [memberOf(error, 'code'), memberOf(driver, 'originalCode')]
  return found.filter((code) => typeof code === 'string')
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
