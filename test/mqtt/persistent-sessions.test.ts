import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPersistentSessions } from '../../src/mqtt/persistent-sessions.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices } from '../support/rows.ts'
import { createQueue } from './door.ts'

let clock: TestClock
let deps: TestDeps
beforeEach(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'device', 2)
})
afterEach(() => deps.close())

/** Longer than any pause between two tries. */
const longEnough = 3_000

test('while nothing can be written, who comes back is turned away, and let in when it can', async () => {
  const warnings = createQueue<string>()
  const log = pino({ level: 'warn' }, { write: warnings.add })
  const sessions = createPersistentSessions({ ...deps, log })
  await deps.database.pool.query('alter table mqtt_session rename to hidden')
  const kept = sessions.keep('device-0001', { topic: 1 })
  await warnings.next()

  await expect(sessions.restore('device-0002')).rejects.toThrow('mqtt_session')
  clock.advance(longEnough)
  await warnings.next()
  await expect(sessions.restore('device-0002')).rejects.toThrow('mqtt_session')

  await deps.database.pool.query('alter table hidden rename to mqtt_session')
  await clock.asleep()
  clock.advance(longEnough)
  await kept
  expect(await sessions.restore('device-0001')).toEqual({ topic: 1 })
  await sessions.close()
})

test('what could not be read keeps nobody waiting who comes after it', async () => {
  const sessions = createPersistentSessions(deps)
  await sessions.keep('device-0001', { topic: 1 })
  await deps.database.pool.query('alter table mqtt_session rename to hidden')
  await expect(sessions.restore('device-0001')).rejects.toThrow('mqtt_session')
  await deps.database.pool.query('alter table hidden rename to mqtt_session')
  expect(await sessions.restore('device-0001')).toEqual({ topic: 1 })
  await sessions.close()
})
