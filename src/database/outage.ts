/** SQLSTATEs of a server that goes down, comes up, or takes no more connections. All of class 08 are about connections. */
const states = /^(?:08...|57P0[123]|53300)$/

/** What the system says of connections, and Prisma where it keeps nothing of that. */
const codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
])

/** Errors of the driver that have no code. */
const messages = /^(?:Connection terminated|timeout e|Client has encountered a connection error)/

/**
 * Whether it is an error of a database that cannot be reached, or is starting up or shutting down: a read that met it may
 * be tried again. Takes errors of `pg` and of Prisma.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const driver = memberOf(memberOf(memberOf(error, 'meta'), 'driverAdapterError'), 'cause')
  const found = [memberOf(error, 'code'), memberOf(driver, 'originalCode')]
  return (
    found.some((code) => typeof code === 'string' && (codes.has(code) || states.test(code))) ||
    messages.test(error.message)
  )
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
