import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  desiredPatchTopic,
  maxRequestIdLength,
  methodRequestTopic,
  methodResponseTopic,
  parseDelivery,
  parsePublish,
  parseSubscription,
  parseUserName,
  reportedPatchTopic,
  twinGetTopic,
  twinResponseTopic,
} from '../../src/mqtt/topics.ts'

const longest = 'x'.repeat(maxRequestIdLength)

describe('a topic a device publishes to', () => {
  test.each([
    ['$iothub/methods/res/200/?$rid=abc', { kind: 'methodResponse', status: 200, rid: 'abc' }],
    ['$iothub/methods/res/0/?$rid=1', { kind: 'methodResponse', status: 0, rid: '1' }],
    ['$iothub/methods/res/-7/?$rid=1', { kind: 'methodResponse', status: -7, rid: '1' }],
    ['$iothub/methods/res/-0/?$rid=1', { kind: 'methodResponse', status: 0, rid: '1' }],
    ['$iothub/methods/res/2147483647/?$rid=1', { kind: 'methodResponse', status: 2147483647, rid: '1' }],
    ['$iothub/methods/res/-2147483648/?$rid=1', { kind: 'methodResponse', status: -2147483648, rid: '1' }],
    ['$iothub/methods/res/200/?a=b&$rid=abc&c=d', { kind: 'methodResponse', status: 200, rid: 'abc' }],
    ['$iothub/methods/res/200/?$rid=a&$rid=b', { kind: 'methodResponse', status: 200, rid: 'a' }],
    ['$iothub/methods/res/200/?$rid=a=b/?c%20d', { kind: 'methodResponse', status: 200, rid: 'a=b/?c%20d' }],
    ['$iothub/twin/GET/?$rid=3f2a', { kind: 'twinGet', rid: '3f2a' }],
    [`$iothub/twin/GET/?$rid=${longest}`, { kind: 'twinGet', rid: longest }],
    ['$iothub/twin/PATCH/properties/reported/?$rid=9', { kind: 'reportedPatch', rid: '9' }],
    ['$iothub/twin/PATCH/properties/reported/?$rid=9&$version=4', { kind: 'reportedPatch', rid: '9' }],
    ['devices/d1/messages/events/', { kind: 'telemetry', deviceId: 'd1', propertyBag: '' }],
    ['devices/d1/messages/events', { kind: 'telemetry', deviceId: 'd1', propertyBag: '' }],
    [
      'devices/pump(1)*?/messages/events/%24.mid=1&a=b%2Fc',
      { kind: 'telemetry', deviceId: 'pump(1)*?', propertyBag: '%24.mid=1&a=b%2Fc' },
    ],
  ])('%j is read', (topic, expected) => {
    expect(parsePublish(topic)).toStrictEqual(expected)
  })

  test.each([
    '',
    '/',
    '$iothub',
    '$iothub/methods/res/',
    '$iothub/methods/res//?$rid=1',
    '$iothub/methods/res/?$rid=1',
    '$iothub/methods/res/200',
    '$iothub/methods/res/200?$rid=1',
    '$iothub/methods/res/200/?',
    '$iothub/methods/res/200/?$rid=',
    '$iothub/methods/res/200/?$rid',
    '$iothub/methods/res/200/?rid=1',
    '$iothub/methods/res/200/?x$rid=1',
    '$iothub/methods/res/200/?a=$rid=1',
    '$iothub/methods/res/200/x/?$rid=1',
    '$iothub/methods/res/-/?$rid=1',
    '$iothub/methods/res/+5/?$rid=1',
    '$iothub/methods/res/ 5/?$rid=1',
    '$iothub/methods/res/2e2/?$rid=1',
    '$iothub/methods/res/0x10/?$rid=1',
    '$iothub/methods/res/200.0/?$rid=1',
    '$iothub/methods/res/٢٠٠/?$rid=1',
    '$iothub/methods/res/NaN/?$rid=1',
    '$iothub/methods/res/2147483648/?$rid=1',
    '$iothub/methods/res/-2147483649/?$rid=1',
    '$iothub/methods/res/4294967496/?$rid=1',
    `$iothub/methods/res/${'9'.repeat(400)}/?$rid=1`,
    `$iothub/methods/res/${'0'.repeat(400)}/?$rid=1`,
    '$iothub/methods/POST/reboot/?$rid=1',
    '$IOTHUB/methods/res/200/?$rid=1',
    ' $iothub/methods/res/200/?$rid=1',
    '$iothub/twin/GET/',
    '$iothub/twin/GET?$rid=1',
    '$iothub/twin/GET/x/?$rid=1',
    `$iothub/twin/GET/?$rid=${longest}x`,
    '$iothub/twin/res/200/?$rid=1',
    '$iothub/twin/PATCH/properties/desired/?$rid=1',
    '$iothub/twin/PATCH/properties/desired/?$version=1',
    '$iothub/twin/PATCH/properties/reported',
    'devices//messages/events/',
    'devices/d1',
    'devices/d1/',
    'devices/d1/messages/eventsx',
    'devices/d1/messages/devicebound/',
    'devices/d1/x/messages/events/',
    'devices/d1/modules/m1/messages/events/',
    'Devices/d1/messages/events/',
    '$SYS/x/new/clients',
  ])('%j is not ours', (topic) => {
    expect(parsePublish(topic)).toBeUndefined()
  })

  test('a topic as long as MQTT allows is refused or read in time proportional to its length', () => {
    const rest = 65_535 - '$iothub/twin/GET/?'.length
    const hostile = ['&', '$rid', '$rid&', '/?', '?$', '$'].map((part) => part.repeat(Math.floor(rest / part.length)))
    const before = process.cpuUsage()
    for (const text of hostile) {
      for (const prefix of [
        '$iothub/twin/GET/?',
        '$iothub/methods/res/200/?',
        '$iothub/methods/res/',
        'devices/',
        '',
      ]) {
        expect(parsePublish(prefix + text)).toBeUndefined()
      }
    }
    // Of the processor, thirty topics of 64 KiB take a few milliseconds; anything quadratic takes minutes.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
  })

  test('no text makes the parsers throw, and what they read they can print', () => {
    const piece = fc.constantFrom(
      '$iothub/',
      'methods/res/',
      'twin/',
      'GET',
      '/?',
      '$rid=',
      '$version=',
      '&',
      '7',
      '-',
      'devices/',
    )
    const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 8 })
    fc.assert(
      fc.property(text, (pieces) => {
        const topic = pieces.join('')
        const read = parsePublish(topic)
        if (read?.kind === 'twinGet') expect(parsePublish(twinGetTopic(read.rid))).toStrictEqual(read)
        parseDelivery(topic)
        parseSubscription(topic)
        parseUserName(topic)
      }),
    )
  })
})

describe('the two directions of the grammar', () => {
  const rid = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !text.includes('&'))
  const status = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

  test('what a device prints the hub reads', () => {
    fc.assert(
      fc.property(status, rid, (status, rid) => {
        expect(parsePublish(methodResponseTopic(status, rid))).toStrictEqual({ kind: 'methodResponse', status, rid })
        expect(parsePublish(twinGetTopic(rid))).toStrictEqual({ kind: 'twinGet', rid })
        expect(parsePublish(reportedPatchTopic(rid))).toStrictEqual({ kind: 'reportedPatch', rid })
      }),
    )
  })

  test('what the hub prints a device reads', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/)
    fc.assert(
      fc.property(status, rid, name, fc.nat(), (status, rid, name, version) => {
        expect(parseDelivery(methodRequestTopic(name, rid))).toStrictEqual({ kind: 'methodRequest', name, rid })
        expect(parseDelivery(twinResponseTopic(status, rid))).toStrictEqual({ kind: 'twinResponse', status, rid })
        expect(parseDelivery(twinResponseTopic(status, rid, version))).toStrictEqual({
          kind: 'twinResponse',
          status,
          rid,
          version,
        })
        expect(parseDelivery(desiredPatchTopic(version))).toStrictEqual({ kind: 'desiredPatch', version })
      }),
    )
  })

  test.each([
    [methodRequestTopic('reboot', '1f'), '$iothub/methods/POST/reboot/?$rid=1f'],
    [twinResponseTopic(200, 'a'), '$iothub/twin/res/200/?$rid=a'],
    [twinResponseTopic(204, 'a', 12), '$iothub/twin/res/204/?$rid=a&$version=12'],
    [desiredPatchTopic(3), '$iothub/twin/PATCH/properties/desired/?$version=3'],
    [methodResponseTopic(404, '1f'), '$iothub/methods/res/404/?$rid=1f'],
    [twinGetTopic('u'), '$iothub/twin/GET/?$rid=u'],
    [reportedPatchTopic('u'), '$iothub/twin/PATCH/properties/reported/?$rid=u'],
  ])('%j is printed as the contract writes it', (printed, expected) => {
    expect(printed).toBe(expected)
  })

  test.each([
    '$iothub/methods/POST//?$rid=1',
    '$iothub/methods/POST/?$rid=1',
    '$iothub/methods/POST/reboot/?',
    '$iothub/twin/res/ok/?$rid=1',
    '$iothub/twin/PATCH/properties/desired/?$version=x',
    '$iothub/twin/PATCH/properties/desired/',
    'devices/d1/messages/devicebound/',
  ])('%j is no delivery', (topic) => {
    expect(parseDelivery(topic)).toBeUndefined()
  })
})

describe('a filter a device subscribes to', () => {
  test.each([
    ['$iothub/methods/POST/#', { kind: 'methods' }],
    ['$iothub/twin/res/#', { kind: 'twinResponses' }],
    ['$iothub/twin/PATCH/properties/desired/#', { kind: 'desiredPatches' }],
    ['devices/d1/messages/devicebound/#', { kind: 'deviceBound', deviceId: 'd1' }],
    ['devices/pump(1)*?/messages/devicebound/#', { kind: 'deviceBound', deviceId: 'pump(1)*?' }],
  ])('%j is allowed', (filter, expected) => {
    expect(parseSubscription(filter)).toStrictEqual(expected)
  })

  test.each([
    '',
    '#',
    '+/+',
    '$iothub/#',
    '$iothub/+/POST/#',
    '$iothub/methods/POST/+',
    '$iothub/methods/POST/reboot/#',
    '$iothub/methods/POST/',
    '$iothub/methods/res/#',
    '$iothub/twin/#',
    '$iothub/twin/res/200/#',
    '$iothub/twin/PATCH/properties/reported/#',
    '$share/g/$iothub/methods/POST/#',
    '$SYS/#',
    'devices/#',
    'devices/messages/devicebound/#',
    'devices//messages/devicebound/#',
    'devices/d1/messages/devicebound/',
    'devices/d1/messages/devicebound/+',
    'devices/+/messages/devicebound/#',
    'devices/d1/modules/m1/messages/devicebound/#',
    '$share/g/devices/d1/messages/devicebound/#',
    'devices/d1/messages/#',
    'devices/d1/messages/events/#',
  ])('%j is refused', (filter) => {
    expect(parseSubscription(filter)).toBeUndefined()
  })
})

describe('a user name', () => {
  const [hubName, deviceId, apiVersion] = ['hub.example.test', 'd1', '2021-04-12']

  test.each([
    ['hub.example.test/d1/?api-version=2021-04-12', { hubName, deviceId, apiVersion }],
    [
      'hub.example.test/d1/?api-version=2021-04-12&model-id=dtmi:a:b;1&DeviceClientType=azure-iot-device%2F1.18.4%20(node)',
      { hubName, deviceId, apiVersion, modelId: 'dtmi:a:b;1' },
    ],
    [
      'hub.example.test/d1/?model-id=dtmi%3Acom%3Aexample%3AThermo_stat%3B1&api-version=2021-04-12',
      { hubName, deviceId, apiVersion, modelId: 'dtmi:com:example:Thermo_stat;1' },
    ],
    ['hub.example.test/d1/?model-id=dtmi:a', { hubName, deviceId, modelId: 'dtmi:a' }],
    ['hub.example.test/d1/?model-id=dtmi:a;1.2', { hubName, deviceId, modelId: 'dtmi:a;1.2' }],
    ['hub.example.test/d1/?model-id=', { hubName, deviceId }],
    ['hub.example.test/d1/?model-id=dtmi:', { hubName, deviceId }],
    ['hub.example.test/d1/?model-id=dtmi:_a;1', { hubName, deviceId }],
    ['hub.example.test/d1/?model-id=dtmi:a_;1', { hubName, deviceId }],
    ['hub.example.test/d1/?model-id=dtmi:a;0', { hubName, deviceId }],
    ['hub.example.test/d1/?model-id=dtmi:a;1%', { hubName, deviceId }],
    [`hub.example.test/d1/?model-id=dtmi:${'a_'.repeat(1030)}a;1`, { hubName, deviceId }],
    ['hub.example.test/d1/?DeviceClientType=c%2F1&api-version=2021-04-12', { hubName, deviceId, apiVersion }],
    ['hub.example.test/d1/?api-version=2021-04-12&x=a/?b', { hubName, deviceId, apiVersion }],
    ['localhost:8884/d1/?api-version=2021-04-12', { hubName: 'localhost:8884', deviceId, apiVersion }],
    ['hub.example.test/a?b=c&d/?api-version=2021-04-12', { hubName, deviceId: 'a?b=c&d', apiVersion }],
    ['hub.example.test/d1/api-version=2021-04-12', { hubName, deviceId, apiVersion }],
    ['hub.example.test/d1/api-version=2021-04-12&DeviceClientType=c', { hubName, deviceId, apiVersion }],
    ['hub.example.test/d1/api-version=2021-04-12/DeviceClientType=c', { hubName, deviceId, apiVersion }],
    ['hub.example.test/d1', { hubName, deviceId }],
    ['hub.example.test/d1/', { hubName, deviceId }],
    ['hub.example.test/d1/?', { hubName, deviceId }],
    ['hub.example.test/d1/?api-version=', { hubName, deviceId }],
    ['hub.example.test/D1/?model-id=x', { hubName, deviceId: 'D1' }],
  ])('%j is read', (text, expected) => {
    expect(parseUserName(text)).toStrictEqual(expected)
  })

  test.each([
    '',
    '/',
    'hub.example.test',
    'hub.example.test/',
    'hub.example.test/?api-version=2021-04-12',
    'hub.example.test//?api-version=2021-04-12',
    '/d1/?api-version=2021-04-12',
    '//',
    'hub.example.test//d1',
    'hub.example.test/d1/m1/?api-version=2021-04-12',
    'hub.example.test/d1/m1',
    'hub.example.test/d1//',
    'hub.example.test/d1/api-version=2021-04-12/?x=y',
  ])('%j names no device', (text) => {
    expect(parseUserName(text)).toBeUndefined()
  })
})
