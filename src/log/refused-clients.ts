import type { Deps } from '../deps.ts'
import { deduplicateLog } from './deduplicated-log.ts'

/** Why clients are refused, as metrics count it. */
export type RefusalCause =
  /** No token or certificate, or one that is not valid. */
  | 'credential'
  /** Too many tokens or certificates of the address were not valid. */
  | 'failures'
  /** The page of another origin, or another host name than the hub's. */
  | 'origin'
  /** A request without TLS (PLAIN_HTTP). */
  | 'plain'
  /** The client speaks another protocol, or another version. */
  | 'protocol'
  /** The client id, the user name or the will of a device is not accepted. */
  | 'identity'
  /** A topic or a packet that devices may not send. */
  | 'forbidden'
  /** Too many clients, connections or devices at a time. */
  | 'overload'
  /** The hub stops, its database does not answer, or its lease is over. */
  | 'unavailable'

/** A client that was refused. `reason` is for the log, and may contain more than the client's answer. */
export type Refusal = {
  readonly protocol: 'HTTP' | 'GraphQL' | 'REST' | 'MQTT'
  readonly cause: RefusalCause
  readonly reason: string
  readonly address: string
  /** That of the request. Undefined for a connection without a request, and for MQTT without a WebSocket. */
  readonly requestId?: string
  /** Refusals of each device are counted separately. */
  readonly deviceId?: string
}

/** Logs a refusal: the first of a kind at once, then once per minute how many there were. All of them are counted. */
export type LogRefusal = (refusal: Refusal) => void

export function createRefusalLog({ clock, log, metrics }: Pick<Deps, 'clock' | 'log' | 'metrics'>): LogRefusal {
  const write = deduplicateLog<Refusal>(clock, {
    keyOf: ({ protocol, reason, deviceId = '' }) => `${protocol} ${reason} ${deviceId}`,
    write: (refusal, notWritten) =>
      log.info(notWritten === 0 ? refusal : { ...refusal, times: notWritten + 1 }, 'client refused'),
  })
  return (refusal) => {
    const { protocol, cause } = refusal
    metrics?.count('twincast_clients_refused_total', { protocol, cause })
    write(refusal)
  }
}
