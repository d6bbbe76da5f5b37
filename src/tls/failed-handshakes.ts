import type { Deps } from '../deps.ts'
import { deduplicateLog } from '../log/deduplicated-log.ts'

/** Logs and counts a TLS handshake that failed. `port` is the variable of the port. */
export type HandshakeLog = (port: 'HTTPS_PORT' | 'MQTTS_PORT', error: Error, address: string | undefined) => void

type Cause = 'timeout' | 'disconnected' | 'not_tls' | 'version' | 'cipher' | 'certificate' | 'other'

/** The causes of OpenSSL's and Node's codes, and what the log says about them. */
const causes: readonly (readonly [RegExp, Cause, string])[] = [
  [/HANDSHAKE_TIMEOUT$/, 'timeout', 'the client did not complete the handshake in time'],
  [/^(?:ECONNRESET|EPIPE|ERR_STREAM_PREMATURE_CLOSE)$/, 'disconnected', 'the client disconnected'],
  [/HTTP_REQUEST$|WRONG_VERSION_NUMBER$|PACKET_LENGTH/, 'not_tls', 'the client does not use TLS'],
  [/UNSUPPORTED_PROTOCOL$|PROTOCOL_VERSION$|VERSION_TOO/, 'version', 'the client has no TLS 1.2 or later'],
  [/SHARED_CIPHER|SHARED_GROUP|SHARED_SIGNATURE|SUITABLE/, 'cipher', 'the client has no accepted cipher or curve'],
  [/CERTIFICATE|UNKNOWN_CA/, 'certificate', 'the client does not accept the certificate of the hub'],
]

const causeOf = (error: Error): readonly [Cause, string] => {
  const code = 'code' in error ? String(error.code) : ''
  const [, cause = 'other', reason = error.message] = causes.find(([pattern]) => pattern.test(code)) ?? []
  return [cause, reason]
}

export function createHandshakeLog({ clock, log, metrics }: Pick<Deps, 'clock' | 'log' | 'metrics'>): HandshakeLog {
  const write = deduplicateLog<{ readonly port: string; readonly reason: string; readonly address: string }>(clock, {
    keyOf: ({ port, reason }) => `${port} ${reason}`,
    write: (failure, notWritten) =>
      log.info(notWritten === 0 ? failure : { ...failure, times: notWritten + 1 }, 'TLS handshake failed'),
  })
  return (port, error, address = '') => {
    const [cause, reason] = causeOf(error)
    metrics?.count('twincast_tls_handshakes_failed_total', { port, cause })
    write({ port, reason, address })
  }
}
