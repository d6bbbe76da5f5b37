import { expect, test } from 'vitest'
import { drainConnections } from '../../src/mqtt/drain-connections.ts'
import { createTestClock } from '../support/clock.ts'

type Named = { readonly deviceId: string }

/** So many devices that are connected, and the ids of those whose connections were ended, in order. */
function givenConnected(count: number) {
  const open = new Set<Named>(Array.from({ length: count }, (_, index) => ({ deviceId: `pump-${index}` })))
  const ended: string[] = []
  const connections = {
    all: () => open,
    get size() {
      return open.size
    },
    end(connection: Named) {
      open.delete(connection)
      ended.push(connection.deviceId)
    },
  }
  return { connections, ended }
}

const never = new AbortController().signal
const nobody = () => new Set<string>()

test('devices are disconnected in groups, no more of them per second than allowed', async () => {
  const clock = createTestClock()
  const { connections, ended } = givenConnected(45)
  const pace = { devicesPerSecond: 200, seconds: 10, called: nobody, signal: never }
  const drained = drainConnections({ clock }, connections, pace)
  expect(ended).toHaveLength(20)
  await clock.asleep()
  clock.advance(99)
  expect(ended).toHaveLength(20)
  clock.advance(1)
  await clock.asleep()
  expect(ended).toHaveLength(40)
  clock.advance(100)
  await drained
  expect(ended).toHaveLength(45)
})

test('a slow pace disconnects one device at a time', async () => {
  const clock = createTestClock()
  const { connections, ended } = givenConnected(2)
  const drained = drainConnections({ clock }, connections, {
    devicesPerSecond: 2,
    seconds: 10,
    called: nobody,
    signal: never,
  })
  await clock.asleep()
  clock.advance(499)
  expect(ended).toEqual(['pump-0'])
  clock.advance(1)
  await drained
  expect(ended).toEqual(['pump-0', 'pump-1'])
})

test('a device that is called keeps its connection until it has answered', async () => {
  const clock = createTestClock()
  const { connections, ended } = givenConnected(3)
  const called = new Set(['pump-0'])
  const drained = drainConnections({ clock }, connections, {
    devicesPerSecond: 500,
    seconds: 10,
    called: () => called,
    signal: never,
  })
  await clock.asleep()
  expect(ended).toEqual(['pump-1', 'pump-2'])
  called.clear()
  clock.advance(100)
  await drained
  expect(ended).toEqual(['pump-1', 'pump-2', 'pump-0'])
})

test('it ends when its time is up, or when the stop must be faster', async () => {
  const clock = createTestClock()
  const pace = { devicesPerSecond: 10, seconds: 1, called: nobody }
  const { connections, ended } = givenConnected(100)
  const drained = drainConnections({ clock }, connections, { ...pace, signal: never })
  for (let tick = 0; tick < 10; tick++) {
    await clock.asleep()
    clock.advance(100)
  }
  await drained
  expect(ended).toHaveLength(10)

  const hurry = new AbortController()
  const hurried = drainConnections({ clock }, connections, { ...pace, signal: hurry.signal })
  await clock.asleep()
  hurry.abort()
  await hurried
  expect(ended).toHaveLength(11)
})
