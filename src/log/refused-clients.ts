import type { Deps } from '../deps.ts'
import { deduplicateLog } from './deduplicated-log.ts'

/** A client that was refused. `reason` is for the log, and may contain more than the client's answer. */
export type Refusal = {
  readonly protocol: 'GraphQL' | 'REST' | 'MQTT'
  readonly reason: string
  readonly address: string
  /** Refusals of each device are counted separately. */
  readonly deviceId?: string
}

/** Logs a refusal: the first of a kind at once, then once per minute how many there were. */
export type LogRefusal = (refusal: Refusal) => void

export function createRefusalLog({ clock, log }: Pick<Deps, 'clock' | 'log'>): LogRefusal {
  return deduplicateLog<Refusal>(clock, {
    keyOf: ({ protocol, reason, deviceId = '' }) => `${protocol} ${reason} ${deviceId}`,
    write: (refusal, notWritten) =>
      log.info(notWritten === 0 ? refusal : { ...refusal, times: notWritten + 1 }, 'client refused'),
  })
}
