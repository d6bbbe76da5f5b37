import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deps } from '../../src/deps.ts'
import { faultMessage } from '../../src/errors.ts'
import { createEvents } from '../../src/events/events.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { defaultLimits as hubLimits } from '../../src/limits/limits.ts'
import { maxOpenRequests } from '../../src/mqtt/inbound.ts'
import { desiredPatchesFilter, twinResponsesFilter } from '../../src/mqtt/topics.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin, readTwin } from '../../src/twin/commands.ts'
import {
  connectRaw,
  givenDevice,
  holdReads,
  publishPacketOf,
  type RawDevice,
  startDoor,
  subscribeRaw,
  type TestDoor,
} from './door.ts'

const reads = holdReads()
let hub: TestDoor
beforeAll(async () => {
  hub = await startDoor({ db: reads.db })
})
afterAll(() => hub.close())

const get = (device: RawDevice, rid: string): void =>
  device.write(publishPacketOf(`$iothub/twin/GET/?$rid=${rid}`, ' '))
const report = (device: RawDevice, rid: string, patch: string | Buffer): void =>
  device.write(publishPacketOf(`$iothub/twin/PATCH/properties/reported/?$rid=${rid}`, patch))

const setDesired = (deviceId: string, desired: JsonObject, deps: Deps = hub.deps): Promise<void> =>
  patchTwin(deps, everything, { deviceId, patch: { desired }, ifMatch: '*' })

/** The same, while nobody hears of it. */
const setDesiredInSilence = (deviceId: string, desired: JsonObject): Promise<void> =>
  setDesired(deviceId, desired, { ...hub.deps, events: createEvents(hub.deps.clock) })

async function nextJson(device: RawDevice) {
  const { topic, payload } = await device.nextPublish()
  return [topic, JSON.parse(payload)]
}

const desiredTopic = (version: number): string => `$iothub/twin/PATCH/properties/desired/?$version=${version}`

/** A device that has read its twin (version 1) and is subscribed to changes of it. */
async function watchingDevice(desired: JsonObject = { a: 1 }): Promise<[string, RawDevice]> {
  const deviceId = await givenDevice(hub, { desired })
  const device = await connectRaw(hub.port, deviceId)
  await subscribeRaw(device, twinResponsesFilter, desiredPatchesFilter)
  get(device, 'first')
  expect(await nextJson(device)).toEqual([
    '$iothub/twin/res/200/?$rid=first',
    { desired: { ...desired, $version: 1 }, reported: { $version: 1 } },
  ])
  return [deviceId, device]
}

test('a device reads both sections with their versions, without metadata and tags', async () => {
  const [deviceId, device] = await watchingDevice({ interval: 60 })
  await patchTwin(hub.deps, everything, { deviceId, patch: { tags: { site: 'x' } }, ifMatch: '*' })
  report(device, '1', '{"on":true}')
  expect(await device.nextPublish()).toEqual({ topic: '$iothub/twin/res/204/?$rid=1&$version=2', payload: '' })
  get(device, '2')
  expect(await nextJson(device)).toEqual([
    '$iothub/twin/res/200/?$rid=2',
    { desired: { interval: 60, $version: 1 }, reported: { on: true, $version: 2 } },
  ])
  device.end()
})

test('the device that asks is answered though it has not subscribed, and no other device hears of it', async () => {
  const [, other] = await watchingDevice()
  const device = await connectRaw(hub.port, await givenDevice(hub))
  get(device, 'x')
  expect((await device.nextPublish()).topic).toBe('$iothub/twin/res/200/?$rid=x')
  other.write({ cmd: 'pingreq' })
  expect(await other.next()).toMatchObject({ cmd: 'pingresp' })
  device.end()
  other.end()
})

test('requests of one device are handled in the order they came', async () => {
  const [, device] = await watchingDevice()
  for (let i = 0; i < 5; i++) {
    report(device, `p${i}`, `{"count":${i}}`)
    get(device, `g${i}`)
  }
  for (let i = 0; i < 5; i++) {
    expect((await device.nextPublish()).topic).toContain(`$rid=p${i}&`)
    const [topic, twin] = await nextJson(device)
    expect(topic).toContain(`$rid=g${i}`)
    expect(twin.reported.count).toBe(i)
  }
  device.end()
})

test.each([
  ['not JSON', '{'],
  ['nothing', ''],
  ['no object', '[1]'],
  ['a number that is not finite', '{"a":1e999}'],
  ['an integer of too many digits', '{"a":12345678901234567890}'],
  ['bytes that are not UTF-8', Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')])],
  ['a key that is not allowed', '{"a.b":1}'],
  ['null in an array', '{"a":[null]}'],
  ['too much', JSON.stringify({ a: Array.from({ length: 9 }, () => 'x'.repeat(4000)) })],
  ['more bytes than a section may have', JSON.stringify({ a: 'x'.repeat(hubLimits.twinBytes) })],
  ['more members than a section may have', `{"a":[${'1,'.repeat(hubLimits.twinMembers)}1]}`],
  ['a depth that no parser should walk', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ['a key that would reach the prototype', '{"__proto__":{"polluted":1}}'],
])('a report of %s is refused with a body that names the error, and changes nothing', async (_, patch) => {
  const [deviceId, device] = await watchingDevice()
  report(device, 'r', patch)
  const [topic, body] = await nextJson(device)
  expect(topic).toBe('$iothub/twin/res/400/?$rid=r')
  expect(body).toEqual({
    errorCode: 400004,
    trackingId: expect.any(String),
    message: expect.stringContaining('reported'),
    timestampUtc: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  expect(await readTwin(hub.deps, everything, deviceId)).toMatchObject({ reported: {}, reportedVersion: 1 })
  device.end()
})

test.each([
  ['bytes', 'x'.repeat(hubLimits.twinBytes + 1), 'bytes of JSON'],
  ['members', `[${'1,'.repeat(hubLimits.twinMembers + 1)}`, `more than ${hubLimits.twinMembers} members`],
  ['levels', '['.repeat(hubLimits.jsonDepth + 1), `more than ${hubLimits.jsonDepth} levels`],
])(
  'a report of too many %s is refused before it is parsed: that it is not JSON goes unnoticed',
  async (_, patch, fault) => {
    const [, device] = await watchingDevice()
    report(device, 'r', patch)
    expect(await nextJson(device)).toMatchObject([
      '$iothub/twin/res/400/?$rid=r',
      { errorCode: 400004, message: expect.stringContaining(fault) },
    ])
    device.end()
  },
)

test('numbers that a device reports are doubles', async () => {
  const [, device] = await watchingDevice()
  report(device, 'r', '{"a":1.0,"b":-0,"c":1e2,"d":0.1234567890123456789}')
  expect((await device.nextPublish()).topic).toContain('res/204')
  get(device, 'g')
  expect((await device.nextPublish()).payload).toContain('"reported":{"a":1,"b":0,"c":100,"d":0.12345678901234568,')
  device.end()
})

test('a fault is answered with 500 and without what it was', async () => {
  const [, device] = await watchingDevice()
  await hub.deps.database.pool.query('alter table twin rename to hidden')
  get(device, 'r')
  const answer = await device.nextPublish()
  await hub.deps.database.pool.query('alter table hidden rename to twin')
  expect(answer.topic).toBe('$iothub/twin/res/500/?$rid=r')
  const { errorCode, message, trackingId } = JSON.parse(answer.payload)
  expect([errorCode, message]).toEqual([500001, faultMessage(trackingId)])
  device.end()
})

test('a device whose twin is locked for too long is told to come again', async () => {
  const busy = await startDoor({ limits: { databaseStatement: 1_000 } })
  const deviceId = await givenDevice(busy)
  const device = await connectRaw(busy.port, deviceId)
  await subscribeRaw(device, twinResponsesFilter)
  const locker = await busy.deps.database.pool.connect()
  await locker.query('begin')
  await locker.query('lock table twin in access exclusive mode')
  get(device, 'g')
  report(device, 'r', '{"a":1}')
  const answers = [await nextJson(device), await nextJson(device)]
  await locker.query('rollback')
  locker.release()
  const refusal = { errorCode: 503001, message: expect.stringContaining('waited too long for a lock. Retry later.') }
  expect(answers).toMatchObject([
    ['$iothub/twin/res/503/?$rid=g', refusal],
    ['$iothub/twin/res/503/?$rid=r', refusal],
  ])
  report(device, 's', '{"a":1}')
  expect((await device.nextPublish()).topic).toContain('res/204')
  device.end()
  await busy.close()
})

test('a device without a twin gets 404', async () => {
  const [deviceId, device] = await watchingDevice()
  await hub.deps.database.pool.query('delete from device where id = $1', [deviceId])
  get(device, 'r')
  expect(await nextJson(device)).toMatchObject(['$iothub/twin/res/404/?$rid=r', { errorCode: 404001 }])
  device.end()
})

test('a device whose twin is far too large is told so, and can make it smaller', async () => {
  const [deviceId, device] = await watchingDevice()
  // As an earlier version let it grow.
  await hub.deps.database.pool.query(
    `update twin set reported = (select jsonb_object_agg('k' || n, repeat(chr(127), 4096)) from generate_series(1, 1000) n)
     where device_id = $1`,
    [deviceId],
  )
  const tooLarge = { errorCode: 400004, message: expect.stringContaining('too large') }
  get(device, 'g1')
  expect(await nextJson(device)).toMatchObject(['$iothub/twin/res/400/?$rid=g1', tooLarge])
  report(device, 'r1', '{"a":1}')
  expect(await nextJson(device)).toMatchObject(['$iothub/twin/res/400/?$rid=r1', tooLarge])
  const gone = Array.from({ length: 999 }, (_, index) => [`k${index + 1}`, null])
  report(device, 'r2', JSON.stringify(Object.fromEntries(gone)))
  expect((await device.nextPublish()).topic).toBe('$iothub/twin/res/204/?$rid=r2&$version=2')
  get(device, 'g2')
  const [, twin] = await nextJson(device)
  expect(Object.keys(twin.reported)).toEqual(['k1000', '$version'])
  device.end()
})

test('forty patches in one write are all taken, in order', async () => {
  const [deviceId, device] = await watchingDevice()
  device.socket.cork()
  for (let i = 0; i < 40; i++) report(device, `p${i}`, `{"k${i}":${i}}`)
  device.socket.uncork()
  for (let i = 0; i < 40; i++) {
    expect((await device.nextPublish()).topic).toBe(`$iothub/twin/res/204/?$rid=p${i}&$version=${i + 2}`)
  }
  expect(Object.keys((await readTwin(hub.deps, everything, deviceId)).reported)).toHaveLength(40)
  device.end()
})

test('a device that goes on reporting while it is read later is read to the end', async () => {
  const [, device] = await watchingDevice()
  const rids = Array.from({ length: 4 * maxOpenRequests }, (_, index) => `p${index}`)
  // Each in a write of its own: they are read at different times.
  for (const rid of rids) {
    report(device, rid, '{"on":true}')
    await new Promise(setImmediate)
  }
  for (const rid of rids) expect((await device.nextPublish()).topic).toContain(`res/204/?$rid=${rid}&`)
  get(device, 'last')
  expect((await device.nextPublish()).topic).toBe('$iothub/twin/res/200/?$rid=last')
  device.end()
})

test(`with ${maxOpenRequests} requests open nothing more is read, and all are answered when they can be`, async () => {
  const [, device] = await watchingDevice()
  const hold = reads.hold('find-property-texts')
  for (let i = 0; i < maxOpenRequests; i++) get(device, `r${i}`)
  await hold.made
  device.write({ cmd: 'pingreq' })
  get(device, 'last')
  const other = await connectRaw(hub.port, await givenDevice(hub)) // nobody else waits
  hold.release()
  const answers: string[] = []
  while (answers.length < maxOpenRequests + 2) {
    const packet = await device.next()
    if (packet === 'closed') throw new Error('closed')
    answers.push(packet.cmd === 'publish' ? packet.topic.slice(packet.topic.indexOf('=') + 1) : packet.cmd)
  }
  expect(answers.filter((answer) => answer !== 'pingresp')).toEqual([
    ...Array.from({ length: maxOpenRequests }, (_, i) => `r${i}`),
    'last',
  ])
  expect(answers.indexOf('pingresp')).toBeGreaterThan(0)
  device.end()
  other.end()
})

test('a device that does not read what it asked for is not read from, and gets all when it reads', async () => {
  const [, device] = await watchingDevice({ a: 'x'.repeat(4000), b: 'y'.repeat(4000), c: 'z'.repeat(4000) })
  device.socket.pause()
  const asked = 180
  for (let i = 0; i < asked; i++) get(device, `r${i}`)
  await expect.poll(() => device.socket.writableLength === 0 && device.socket.bytesRead > 0).toBe(true)
  device.socket.resume()
  for (let i = 0; i < asked; i++) expect((await device.nextPublish()).topic).toContain(`$rid=r${i}`)
  device.end()
})

test('a change of desired properties comes as the patch, nulls included, with the version after it', async () => {
  const [deviceId, device] = await watchingDevice({ a: 1, b: 2 })
  await setDesired(deviceId, { a: null, c: { d: [1] } })
  expect(await nextJson(device)).toEqual([desiredTopic(2), { a: null, c: { d: [1] }, $version: 2 }])
  device.end()
})

test('a patch without content is nothing to the device', async () => {
  const [deviceId, device] = await watchingDevice({ a: 1 })
  await setDesired(deviceId, {})
  await setDesired(deviceId, { a: 2 })
  expect(await nextJson(device)).toEqual([desiredTopic(2), { a: 2, $version: 2 }])
  device.end()
})

test('a patch of tags is nothing to the device, and neither is a change it has not subscribed to', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  await setDesired(deviceId, { a: 1 })
  await subscribeRaw(device, desiredPatchesFilter)
  await patchTwin(hub.deps, everything, { deviceId, patch: { tags: { x: 1 } }, ifMatch: '*' })
  await setDesired(deviceId, { a: 2 })
  expect(await nextJson(device)).toEqual([desiredTopic(3), { a: 2, $version: 3 }])
  device.write({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: [desiredPatchesFilter] })
  expect(await device.next()).toMatchObject({ cmd: 'unsuback' })
  await setDesired(deviceId, { a: 3 })
  device.write({ cmd: 'pingreq' })
  expect(await device.next()).toMatchObject({ cmd: 'pingresp' })
  device.end()
})

test('after a change that nobody told of the device gets the whole section', async () => {
  const [deviceId, device] = await watchingDevice()
  await setDesiredInSilence(deviceId, { b: 2 })
  await setDesired(deviceId, { c: 3 })
  expect(await nextJson(device)).toEqual([desiredTopic(3), { a: 1, b: 2, c: 3, $version: 3 }])
  await setDesired(deviceId, { d: 4 })
  expect(await nextJson(device)).toEqual([desiredTopic(4), { d: 4, $version: 4 }])
  device.end()
})

test('a change between reading the twin and subscribing is not lost', async () => {
  const deviceId = await givenDevice(hub, { desired: { a: 1 } })
  const device = await connectRaw(hub.port, deviceId)
  get(device, 'r')
  await device.nextPublish()
  await setDesired(deviceId, { b: 2 })
  device.write({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: desiredPatchesFilter, qos: 0 }] })
  expect(await device.next()).toMatchObject({ cmd: 'suback' })
  expect(await nextJson(device)).toEqual([desiredTopic(2), { a: 1, b: 2, $version: 2 }])
  device.end()
})

test('an old change is not told after a newer one', async () => {
  const [deviceId, device] = await watchingDevice()
  await setDesired(deviceId, { b: 2 })
  expect((await device.nextPublish()).topic).toBe(desiredTopic(2))
  hub.deps.events.publish('desiredPatches', [{ deviceId, version: 2, patch: { b: 'stale' } }])
  await setDesired(deviceId, { b: 3 })
  expect(await nextJson(device)).toEqual([desiredTopic(3), { b: 3, $version: 3 }])
  device.end()
})

test('changes made at once arrive in the order of their versions and leave nothing out', async () => {
  const [deviceId, device] = await watchingDevice({})
  await Promise.all(Array.from({ length: 20 }, (_, i) => setDesired(deviceId, { [`k${i}`]: i })))
  // A change that is published too late is part of a whole section: commits may be published in another order.
  let known: Record<string, unknown> = { $version: 1 }
  while (known.$version !== 21) {
    const [, patch] = await nextJson(device)
    expect(patch.$version).toBeGreaterThan(Number(known.$version))
    known = { ...known, ...patch }
  }
  expect(Object.keys(known)).toHaveLength(21)
  device.end()
})

test('an answer to a read is not older than a notification sent before it', async () => {
  const [deviceId, device] = await watchingDevice()
  const hold = reads.hold('find-property-texts')
  get(device, 'slow')
  await hold.made
  await setDesired(deviceId, { b: 2 })
  expect((await device.nextPublish()).topic).toBe(desiredTopic(2))
  hold.release()
  expect(await nextJson(device)).toMatchObject(['$iothub/twin/res/200/?$rid=slow', { desired: { b: 2, $version: 2 } }])
  device.end()
})

test('a whole section that was overtaken by an answer to a read is not sent', async () => {
  const [deviceId, device] = await watchingDevice()
  await setDesiredInSilence(deviceId, { b: 2 })
  const hold = reads.hold('find-property-texts')
  await setDesired(deviceId, { c: 3 }) // the gap is seen and the section read, at version 3
  await hold.made
  await setDesired(deviceId, { d: 4 })
  get(device, 'r')
  hold.release()
  // In whichever order the two reads end: nothing older after something newer, and nothing missing at the end.
  let version = 0
  while (version < 4) {
    const [topic, body] = await nextJson(device)
    const desired = topic.includes('/res/') ? body.desired : body
    expect(desired.$version).toBeGreaterThan(version)
    version = desired.$version
  }
  device.end()
})

test('what a device that has gone still had waiting is not done', async () => {
  const [deviceId, device] = await watchingDevice()
  const hold = reads.hold('find-property-texts')
  get(device, 'slow')
  report(device, 'late', '{"from":"old"}')
  await hold.made
  const newer = await connectRaw(hub.port, deviceId)
  hold.release()
  report(newer, 'p', '{"from":"new"}')
  expect((await newer.nextPublish()).topic).toBe('$iothub/twin/res/204/?$rid=p&$version=2')
  expect((await readTwin(hub.deps, everything, deviceId)).reported).toEqual({ from: 'new' })
  newer.end()
})
