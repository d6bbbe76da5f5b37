import { pino } from 'pino'
import { createAttachedDevices } from '../../src/attached-devices.ts'
import { createBus } from '../../src/bus/bus.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { takeLeaseForGood } from '../../src/database/instance-lease.ts'
import type { Deps } from '../../src/deps.ts'
import { createEvents } from '../../src/events/events.ts'
import { createTaps } from '../../src/events/taps.ts'
import { createAnswerRoom } from '../../src/limits/answer-room.ts'
import type { Limits } from '../../src/limits/limits.ts'
import { createLongTurns } from '../../src/limits/long-turns.ts'
import { createRequestRoom } from '../../src/limits/request-room.ts'
import { type Throttling, unlimited } from '../../src/throttle/presets.ts'
import { createThrottles } from '../../src/throttle/throttles.ts'
import { createTwinThread } from '../../src/twin-thread/twin-thread.ts'
import { createTestDatabase, openTestDb, type TestDatabase, testLimits } from './database.ts'

/** Real dependencies on a database of their own. */
export type TestDeps = Deps & { readonly database: TestDatabase; close(): Promise<void> }

/**
 * No throttle holds but those given; limits are the defaults but for those given. `prepare` changes the database before the
 * program connects to it.
 */
export async function createTestDeps(
  clock: Clock = systemClock,
  throttling: Partial<Throttling> = {},
  limits: Partial<Limits> = {},
  prepare: (database: TestDatabase) => Promise<void> = async () => {},
): Promise<TestDeps> {
  const database = await createTestDatabase()
  await prepare(database)
  const [bus, events] = [createBus(clock), createEvents(clock)]
  const db = openTestDb(database.url, limits, clock)
  const twinThread = createTwinThread()
  const longTurns = createLongTurns(clock, { ...testLimits, ...limits })
  return {
    db,
    lease: await takeLeaseForGood(db),
    events,
    bus,
    taps: createTaps({ bus, clock, events }),
    attached: createAttachedDevices(),
    throttles: createThrottles(clock, { ...unlimited, ...throttling }),
    requestRoom: createRequestRoom({ ...testLimits, ...limits }),
    twinThread,
    answerRoom: createAnswerRoom({ clock, limits: { ...testLimits, ...limits }, longTurns }),
    longTurns,
    limits: { ...testLimits, ...limits },
    // Receivers of tests are on this machine.
    allowPrivateWebhooks: true,
    clock,
    log: pino({ level: 'silent' }),
    database,
    async close() {
      await twinThread.close()
      await db.close()
      await database.drop()
    },
  }
}
