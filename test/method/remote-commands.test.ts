import { afterEach, beforeEach, expect, test } from 'vitest'
import { isInstanceAlive } from '../../src/database/instance-lease.ts'
import { DeviceTimeoutError } from '../../src/errors.ts'
import { callThere } from '../../src/method/remote-commands.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps
let asked: number
beforeEach(async () => {
  deps = await createTestDeps()
  asked = 0
  // Whoever is asked does not answer.
  deps.bus.connect({ send: () => ++asked > 0, listen: () => {}, unlisten: () => {} })
  await setLease('1 hour')
})
afterEach(() => deps.close())

const setLease = (time: string) =>
  deps.database.pool.query(
    `insert into instance (id, lease_until) values ('far', now() + $1::interval)
     on conflict (id) do update set lease_until = excluded.lease_until`,
    [time],
  )
const call = () =>
  callThere(deps, 'far', {
    device: { id: 'device', generation: '1' },
    call: { methodName: 'reboot', payload: 'null', responseTimeoutInSeconds: 300, connectTimeoutInSeconds: 0 },
    seconds: 0,
  })

test.each([
  ['the presence of the device has changed', () => deps.events.publish('presence', { deviceIds: ['device'] })],
  ['events may have been lost', () => deps.events.publish('missed', {})],
])('a call through an instance that is dead ends when %s, not at its timeout', async (_what, happen) => {
  let isOver = false
  const result = call().finally(() => {
    isOver = true
  })
  result.catch(() => {})
  happen()
  // Its own question was answered before this one.
  for (let times = 0; times < 3; times++) expect(await isInstanceAlive(deps.db, 'far')).toBe(true)
  expect(isOver).toBe(false)

  await setLease('-1 second')
  expect(await isInstanceAlive(deps.db, 'far')).toBe(false)
  deps.events.publish('presence', { deviceIds: ['other'] })
  happen()
  await expect(result).rejects.toThrow(DeviceTimeoutError)
  await expect(result).rejects.toThrow(
    'The call of reboot may have been sent to "device". The instance that it was connected to has stopped.',
  )
  expect(asked).toBe(1)
})

test('an instance that is unknown is not alive', async () => {
  expect(await isInstanceAlive(deps.db, 'nobody')).toBe(false)
})
