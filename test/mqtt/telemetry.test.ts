import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TelemetryMessage } from '../../src/events/topics.ts'
import { readPropertyBag } from '../../src/mqtt/property-bag.ts'
import { encodePublish } from '../../src/mqtt/publish-packet.ts'
import { activityInterval } from '../../src/mqtt/telemetry.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { connectRaw, createQueue, givenDevice, publishPacketOf, startDoor, type TestDoor } from './door.ts'

test.each<[string, Record<string, string>]>([
  ['', {}],
  ['level=high&%24.ct=application%2Fjson&%24.ce=utf-8', { level: 'high', '$.ct': 'application/json', '$.ce': 'utf-8' }],
  ['a', { a: '' }],
  ['a=', { a: '' }],
  ['a=b=c&&', { a: 'b=c' }],
  ['a=1&a=2', { a: '2' }],
  ['a+b=%C3%A4+%26', { 'a+b': 'ä+&' }],
  ['a=%zz&%=1', { a: '%zz', '%': '1' }],
])('the property bag %j holds %j', (bag, properties) => {
  expect(readPropertyBag(bag)).toEqual(properties)
})

test('a property may have any name, also one that objects have of themselves', () => {
  expect(Object.entries(readPropertyBag('__proto__=a&toString=b'))).toEqual([
    ['__proto__', 'a'],
    ['toString', 'b'],
  ])
})

test.each([
  [1, 5_000],
  [1_000, 5_000],
  [12_000, 60_000],
])('of %i devices that always send, each is recorded as active once in %i ms', (devices, interval) => {
  expect(activityInterval(devices)).toBe(interval)
})

describe('at the door', () => {
  let clock: TestClock
  let hub: TestDoor
  let deviceId: string
  beforeAll(async () => {
    clock = createTestClock(new Date())
    hub = await startDoor({ clock, limits: { mqttPackets: 10_000 } })
  })
  afterAll(() => hub.close())
  beforeEach(async () => {
    deviceId = await givenDevice(hub)
  })

  /** What is published from now on. */
  function listen() {
    const messages = createQueue<TelemetryMessage>()
    const stop = hub.deps.events.listen('telemetry', deviceId)((telemetry) => telemetry.forEach(messages.add))
    return { next: messages.next, stop }
  }

  const textOf = ({ payload }: TelemetryMessage): string => Buffer.from(payload).toString()
  const topicOf = (bag = ''): string => `devices/${deviceId}/messages/events/${bag}`

  test('telemetry reaches who listens, with its properties and the wish to be retained', async () => {
    const heard = listen()
    const device = await connectRaw(hub.port, deviceId)
    device.write(publishPacketOf(topicOf('level=high'), '{"t":21}'))
    const first = await heard.next()
    expect(first).toMatchObject({ deviceId, enqueuedTime: clock.now(), properties: { level: 'high' } })
    expect(textOf(first)).toBe('{"t":21}')
    device.write(publishPacketOf(topicOf(), 'x', { retain: true, qos: 1, messageId: 1 }))
    expect((await heard.next()).properties).toEqual({ 'mqtt-retain': 'true' })
    heard.stop()
    expect(hub.deps.events.hasListeners('telemetry', deviceId)).toBe(false)
    device.end()
  })

  test('a message takes room for its properties, which may be many and short', async () => {
    const heard = listen()
    const device = await connectRaw(hub.port, deviceId)
    device.write(publishPacketOf(topicOf('a&b&c'), 'xx'))
    device.write(publishPacketOf(topicOf(), 'xx'))
    expect([(await heard.next()).size, (await heard.next()).size]).toEqual([2 + 5 + 300, 2])
    await heard.stop()
    device.end()
  })

  test('ten thousand messages at once are heard in their order', async () => {
    const heard = listen()
    const device = await connectRaw(hub.port, deviceId)
    const packets = Array.from({ length: 10_000 }, (_, number) => encodePublish(topicOf(), String(number)))
    device.write(Buffer.concat(packets))
    for (let number = 0; number < packets.length; number++) expect(textOf(await heard.next())).toBe(String(number))
    heard.stop()
    device.end()
  })

  const will = () => ({ will: { topic: topicOf('why=lost'), payload: 'bye', qos: 1, retain: false } })

  test('the will of a device whose connection breaks is telemetry, marked as a will', async () => {
    const heard = listen()
    const device = await connectRaw(hub.port, deviceId, will())
    device.end()
    const message = await heard.next()
    expect(message.properties).toEqual({ why: 'lost', 'iothub-MessageType': 'Will' })
    expect(textOf(message)).toBe('bye')
    heard.stop()
  })

  test('the will of a device that says goodbye is forgotten', async () => {
    const heard = listen()
    const device = await connectRaw(hub.port, deviceId, will())
    device.write({ cmd: 'disconnect' })
    expect(await device.next()).toBe('closed')
    const again = await connectRaw(hub.port, deviceId)
    again.write(publishPacketOf(topicOf(), 'next'))
    expect(textOf(await heard.next())).toBe('next')
    heard.stop()
    again.end()
  })

  test('telemetry shows that the device is active, once in a while', async () => {
    const { pool } = hub.deps.database
    const times = new Set<number>()
    /** Lets a moment pass, so that what waits for company is written. */
    const lastActivity = async (): Promise<Date> => {
      clock.advance(100)
      const { rows } = await pool.query('select last_activity_time as time from device where id = $1', [deviceId])
      times.add(rows[0].time.getTime())
      return rows[0].time
    }
    /** Publishes and waits until it has been read. */
    const publish = async () => {
      device.write(publishPacketOf(topicOf(), 'x', { qos: 1, messageId: 1 }))
      await device.next()
    }
    const start = clock.now()
    const device = await connectRaw(hub.port, deviceId)
    clock.advance(60_000)
    const first = clock.now()
    await publish()
    await expect.poll(lastActivity).toEqual(first)
    await publish()
    clock.advance(10_000)
    const third = clock.now()
    await publish()
    await expect.poll(lastActivity).toEqual(third)
    expect([...times]).toEqual(expect.arrayContaining([first.getTime(), third.getTime()]))
    expect(times.size - Number(times.has(start.getTime()))).toBe(2)
    device.end()
  })
})
