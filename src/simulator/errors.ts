/** The meaning of the return codes of a CONNACK [MQTT 3.1.1, table 3.1]. */
const connackReasons: readonly string[] = [
  'accepted',
  'unacceptable protocol version',
  'identifier rejected',
  'server unavailable',
  'bad user name or password',
  'not authorized',
]

/** The hub answered a CONNECT with a return code other than 0. Code 3 means "try later", the others "never". */
export class ConnectRefusedError extends Error {
  override readonly name = 'ConnectRefusedError'
  readonly deviceId: string
  readonly returnCode: number
  readonly reason: string
  constructor(deviceId: string, returnCode: number) {
    const reason = connackReasons[returnCode] ?? 'reserved return code'
    super(`The hub refused device "${deviceId}": ${reason} (${returnCode}).`)
    this.deviceId = deviceId
    this.returnCode = returnCode
    this.reason = reason
  }
}

/** The hub did not grant one of the filters that every device needs. */
export class SubscribeRefusedError extends Error {
  override readonly name = 'SubscribeRefusedError'
  readonly deviceId: string
  readonly filters: readonly string[]
  constructor(deviceId: string, filters: readonly string[]) {
    super(`The hub refused device "${deviceId}" the subscription to ${filters.join(', ')}.`)
    this.deviceId = deviceId
    this.filters = filters
  }
}

/** The connection could not be opened or was lost. `cause` is the socket's error, if it had one. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError'
  readonly deviceId: string
  constructor(deviceId: string, what: string, cause?: unknown) {
    super(`Device "${deviceId}": ${what}${cause instanceof Error ? ` (${cause.message})` : ''}.`, { cause })
    this.deviceId = deviceId
  }
}

/** The hub answered a twin read or a reported patch with a status of 300 or more; `body` is the body of that answer. */
export class TwinRequestError extends Error {
  override readonly name = 'TwinRequestError'
  readonly deviceId: string
  readonly status: number
  readonly body: string
  constructor(deviceId: string, status: number, body: string) {
    super(`The hub responded to a twin request of device "${deviceId}" with ${status}: ${body || 'no body'}`)
    this.deviceId = deviceId
    this.status = status
    this.body = body
  }
}

/** Whether the hub asked a device to come again: there were too many requests, or it could not work. */
export const isTemporaryRefusal = (error: unknown): boolean =>
  error instanceof TwinRequestError && (error.status === 429 || error.status === 503)

/** Not every device connected in time. `cause` is the last failure of one that is still trying. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError'
  constructor(connected: number, expected: number, cause?: unknown) {
    const last = cause instanceof Error ? ` Last error: ${cause.message}` : ''
    super(`${connected} of ${expected} devices connected in time.${last}`, { cause })
  }
}

/** Whether another attempt is useless: the hub refused, and not because of overload (return code 3). */
export const isFinal = (error: Error): boolean =>
  error instanceof SubscribeRefusedError || (error instanceof ConnectRefusedError && error.returnCode !== 3)

/** Whether an error is one of these already, and names its device. */
export const isReported = (error: Error | undefined): error is Error =>
  error instanceof ConnectRefusedError ||
  error instanceof SubscribeRefusedError ||
  error instanceof ConnectionLostError ||
  error instanceof TwinRequestError
