import { type DestinationStream, type Logger, pino } from 'pino'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { deduplicateLog } from './deduplicated-log.ts'

/** Structured JSON lines. */
export type Log = Logger

/**
 * The log of the hub: JSON lines. Equal warnings and errors are gathered: the first is written at once, the following
 * ones once per minute with their number (`times`), so that a lasting fault does not fill a disk. Lines with a tracking
 * id that a client received are all written.
 */
export function createLog(
  level: Config['logLevel'],
  clock: Clock,
  destination: DestinationStream = pino.destination(1),
): Log {
  const gather = deduplicateLog<Line>(clock, {
    keyOf: ({ level, fields, text }) => `${level} ${faultIn(fields)} ${text}`,
    write: ({ write }, notWritten) => write(notWritten === 0 ? undefined : notWritten + 1),
  })
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      hooks: {
        logMethod(given, method, level) {
          const [first, second]: readonly unknown[] = given
          const fields = typeof first === 'object' && first !== null ? first : {}
          if (level < lowest || 'reference' in fields || 'trackingId' in fields) {
            method.apply(this, given)
            return
          }
          const text = String((typeof first === 'string' ? first : second) ?? '')
          gather({
            level,
            fields,
            text,
            write: (times) => {
              if (times === undefined) method.apply(this, given)
              else method.call(this, { ...fields, times }, text)
            },
          })
        },
      },
    },
    destination,
  )
}

type Line = {
  readonly level: number
  readonly fields: object
  readonly text: string
  readonly write: (times: number | undefined) => void
}

/** The lowest level of lines that are gathered: warnings. */
const lowest = pino.levels.values.warn ?? 40

/** Identifies the fault of a line in addition to its text: the step that failed, and its error's text. */
function faultIn({ err, step }: { readonly err?: unknown; readonly step?: unknown }): string {
  return `${step ?? ''} ${err instanceof Error ? err.message : ''}`
}

/** The logged parts of an error. Not all its members: errors of the database contain statements and secrets. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : undefined
  const cause = error.cause === undefined ? undefined : describeError(error.cause)
  return { type: error.name, message: error.message, code, stack: error.stack, cause }
}
