import type { Log } from './log.ts'
import type { RequestRecord } from './request-record.ts'

/** One request that has ended. */
export type AccessLine = {
  readonly protocol: 'HTTP' | 'WebSocket'
  readonly record: RequestRecord
  readonly address: string
  /** Milliseconds from the head of the request until its answer was sent, or of a WebSocket until its end. */
  readonly ms: number
  readonly method?: string | undefined
  /** As it was sent, with its query string. */
  readonly url?: string | undefined
  /** Undefined when the client disconnected before it was answered. */
  readonly status?: number | undefined
  /** Bytes of the answer that were written, with its head. */
  readonly bytes?: number | undefined
  /** False when the client disconnected before it had the whole answer. */
  readonly complete?: boolean | undefined
}

/** Writes a line for each request and each operation of a WebSocket. Undefined where the access log is off. */
export type AccessLog = (line: AccessLine) => void

/** Characters of a path that are logged. */
const longestPath = 512

/** Lines of the severity `info`, whichever LOG_LEVEL is set: they were asked for by ACCESS_LOG. */
export function createAccessLog(log: Log): AccessLog {
  const own = log.child({}, { level: 'info' })
  return ({ record, url, ms, ...line }) => {
    const { id, ...others } = record
    // A query string can contain a token.
    const path = url?.split('?', 1)[0]?.slice(0, longestPath)
    own.info({ requestId: id, ...line, path, ms: Math.round(ms * 10) / 10, ...others }, 'request')
  }
}
