import { afterEach, expect, test } from 'vitest'
import { type Bus, createBus } from '../../src/bus/bus.ts'
import { createEvents, type Events } from '../../src/events/events.ts'
import { createTaps, type Taps } from '../../src/events/taps.ts'
import type { TelemetryMessage } from '../../src/events/topics.ts'
import { connectedBuses } from '../support/buses.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

type Instance = { readonly bus: Bus; readonly events: Events; readonly taps: Taps }
const opened: Instance[] = []
afterEach(() => {
  for (const { taps } of opened.splice(0)) taps.close()
})

function open(clock: TestClock, bus: Bus): Instance {
  const events = createEvents(clock)
  const instance = { bus, events, taps: createTaps({ bus, clock, events }) }
  opened.push(instance)
  return instance
}

/** The instance that devices are connected to, and another one that clients are connected to. */
function openTwo(): { readonly clock: TestClock; readonly gateway: Instance; readonly other: Instance } {
  const clock = createTestClock()
  const [one = createBus(clock), two = createBus(clock)] = connectedBuses(clock, 2)
  return { clock, gateway: open(clock, one), other: open(clock, two) }
}

const message = (deviceId: string, body: string): TelemetryMessage => ({
  deviceId,
  enqueuedTime: new Date(1_000),
  properties: { alarm: 'no' },
  payload: Uint8Array.from(Buffer.from(body)),
  size: 20,
})

/** Follows a device as a subscription does. */
function follow({ events }: Instance, deviceId: string): { readonly heard: string[]; stop(): void } {
  const heard: string[] = []
  const stop = events.listen(
    'telemetry',
    deviceId,
  )((messages) => heard.push(...messages.map(({ payload }) => Buffer.from(payload).toString())))
  return { heard, stop }
}

test('messages reach the instance whose clients follow the device, and that of no other device', () => {
  const { gateway, other } = openTwo()
  const received: (readonly TelemetryMessage[])[] = []
  const stop = other.events.listen('telemetry', 'pump/1')((messages) => received.push(messages))
  expect(gateway.taps.isOpenElsewhere('pump/1')).toBe(true)
  expect(gateway.taps.isOpenElsewhere('pump/2')).toBe(false)
  gateway.taps.pass('pump/1', [message('pump/1', 'one'), message('pump/1', 'two')])
  gateway.taps.pass('pump/2', [message('pump/2', 'three')])
  expect(received.flat().map(({ payload, ...rest }) => ({ ...rest, body: Buffer.from(payload).toString() }))).toEqual([
    { deviceId: 'pump/1', enqueuedTime: new Date(1_000), properties: { alarm: 'no' }, size: 20, body: 'one' },
    { deviceId: 'pump/1', enqueuedTime: new Date(1_000), properties: { alarm: 'no' }, size: 20, body: 'two' },
  ])
  stop()
})

test('messages that a device sent together go in parts that no transport cuts off, in their order', () => {
  const { gateway, other } = openTwo()
  const { heard, stop } = follow(other, 'pump')
  const sizes: number[] = []
  const publish = gateway.bus.publish
  gateway.bus.publish = (subject, text) => {
    sizes.push(text.length)
    publish(subject, text)
  }
  const bodies = [300, 100, 100, 100, 1, 250].map((kilobytes, index) => String(index).repeat(kilobytes * 1024))
  gateway.taps.pass(
    'pump',
    bodies.map((body) => ({ ...message('pump', body), size: body.length + 20 })),
  )
  expect(heard.map((body) => `${body.length} ${body[0]}`)).toEqual(bodies.map((body) => `${body.length} ${body[0]}`))
  expect(Math.max(...sizes)).toBeLessThan(512 * 1024)
  expect(sizes).toHaveLength(4)
  stop()
})

test('a tap stays open as long as the device is followed, and closes soon after', async () => {
  const { clock, gateway, other } = openTwo()
  const { stop } = follow(other, 'pump')
  for (let seconds = 0; seconds < 60; seconds += 5) {
    await clock.asleep()
    clock.advance(5_000)
  }
  expect(gateway.taps.isOpenElsewhere('pump')).toBe(true)
  stop()
  clock.advance(20_000)
  expect(gateway.taps.isOpenElsewhere('pump')).toBe(false)
})

test('an instance that begins later hears of the taps that are open', async () => {
  const clock = createTestClock()
  const [one = createBus(clock), two = createBus(clock)] = connectedBuses(clock, 2)
  const { stop } = follow(open(clock, two), 'pump')
  const late = open(clock, one)
  expect(late.taps.isOpenElsewhere('pump')).toBe(false)
  await clock.asleep()
  clock.advance(5_000)
  await expect.poll(() => late.taps.isOpenElsewhere('pump')).toBe(true)
  stop()
})

test.each([
  ['no JSON', 'text'],
  ['no list', '{"pump":1}'],
  ['a list of others', '[1,null,{}]'],
])('what is no telemetry and no list of devices is ignored: %s', (_what, text) => {
  const { gateway, other } = openTwo()
  const { heard, stop } = follow(other, 'pump')
  const publish = gateway.bus.publish
  gateway.bus.publish('taps', text)
  expect(other.taps.isOpenElsewhere('pump')).toBe(false)
  const subjects: string[] = []
  gateway.bus.publish = (subject) => subjects.push(subject)
  gateway.taps.pass('pump', [])
  publish(subjects[0] ?? '', text)
  expect(heard).toEqual([])
  stop()
})
