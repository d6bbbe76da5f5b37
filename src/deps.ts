import type { AttachedDevices } from './attached-devices.ts'
import type { Bus } from './bus/bus.ts'
import type { Clock } from './clock.ts'
import type { Db } from './database/client.ts'
import type { Lease } from './database/instance-lease.ts'
import type { Events } from './events/events.ts'
import type { Taps } from './events/taps.ts'
import type { AnswerRoom } from './limits/answer-room.ts'
import type { Limits } from './limits/limits.ts'
import type { LongTurns } from './limits/long-turns.ts'
import type { RequestRoom } from './limits/request-room.ts'
import type { Log } from './log/log.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Throttles } from './throttle/throttles.ts'
import type { Tracing } from './tracing.ts'
import type { TwinThread } from './twin-thread/twin-thread.ts'

/** The first argument of every command. A function that needs less requires less: `Pick<Deps, 'clock'>`. */
export type Deps = {
  readonly db: Db
  readonly lease: Lease
  readonly events: Events
  readonly bus: Bus
  readonly taps: Taps
  readonly attached: AttachedDevices
  readonly throttles: Throttles
  readonly requestRoom: RequestRoom
  readonly answerRoom: AnswerRoom
  readonly longTurns: LongTurns
  readonly twinThread: TwinThread
  readonly limits: Limits
  /** Whether webhooks may lead to addresses that are not public, and to http. */
  readonly allowPrivateWebhooks: boolean
  readonly clock: Clock
  readonly log: Log
  /** Undefined when metrics are off. */
  readonly metrics?: Metrics | undefined
  /** Undefined when no SDK of OpenTelemetry is registered. */
  readonly tracing?: Tracing | undefined
}
