import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DesiredPatch } from '../../src/events/topics.ts'
import { reportProperties } from '../../src/twin/commands.ts'
import { createTestClock } from '../support/clock.ts'
import { openDoor, type TestDoor } from './door.ts'

const clock = createTestClock()
let door: TestDoor
let id: string
let count = 0
beforeAll(async () => {
  door = await openDoor({ clock })
})
afterAll(() => door.close())
beforeEach(async () => {
  id = `device-${++count}`
  await door.ask('POST /devices', {
    body: [
      { id, tags: { site: 'north', floor: 3 }, properties: { desired: { fan: { speed: 1, mode: 'a' }, on: true } } },
    ],
  })
})

const change = (verb: 'PATCH' | 'PUT', body: unknown, ifMatch?: string) =>
  door.ask(`${verb} /twins/${id}`, { body, headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } })
const valuesOf = ({ $metadata, $version, ...values }: Record<string, unknown>) => values

describe('numbers of a twin', () => {
  test.each(['tags', 'desired'])('are doubles, as services write %s', async (section) => {
    const patch = (number: string) =>
      change('PATCH', section === 'tags' ? `{"tags":{"n":${number}}}` : `{"properties":{"desired":{"n":${number}}}}`)
    for (const [number, kept] of [
      ['1.0', '1'],
      ['-0', '0'],
      ['1e2', '100'],
      ['0.1234567890123456789', '0.12345678901234568'],
      ['4503599627370495', '4503599627370495'],
      ['1e-400', '0'],
    ] as const) {
      expect((await patch(number)).status).toBe(200)
      expect([number, (await door.ask(`GET /twins/${id}`)).text]).toEqual([
        number,
        expect.stringMatching(`"n": ?${kept}[,}]`),
      ])
    }
    for (const number of ['1e999', '-1e400']) {
      expect((await patch(number)).error).toMatch(/^ArgumentInvalid;.*must be a finite number/)
    }
    for (const number of ['12345678901234567890', '4503599627370496', '1e300']) {
      expect((await patch(number)).error).toMatch(/^ArgumentInvalid;.*Integers must be from -4503599627370496/)
    }
  })
})

describe('a twin', () => {
  test('is read whole', async () => {
    await reportProperties(door.deps, id, { battery: 81.5 })
    const { status, body, headers } = await door.ask(`GET /twins/${id}`)
    const time = '2026-01-01T00:00:00.000Z'
    const stamp = { $lastUpdated: time, $lastUpdatedVersion: 1 }
    expect([status, headers.get('etag')]).toEqual([200, '"AAAAAAAAAAE="'])
    expect(body).toEqual({
      deviceId: id,
      etag: 'AAAAAAAAAAE=',
      deviceEtag: 'AAAAAAAAAAE=',
      status: 'enabled',
      statusUpdateTime: '0001-01-01T00:00:00Z',
      connectionState: 'Disconnected',
      lastActivityTime: '0001-01-01T00:00:00Z',
      cloudToDeviceMessageCount: 0,
      authenticationType: 'sas',
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
      modelId: '',
      version: 2,
      capabilities: { iotEdge: false },
      tags: { site: 'north', floor: 3 },
      properties: {
        desired: {
          fan: { speed: 1, mode: 'a' },
          on: true,
          $metadata: { ...stamp, fan: { ...stamp, speed: stamp, mode: stamp }, on: stamp },
          $version: 1,
        },
        reported: {
          battery: 81.5,
          $metadata: { $lastUpdated: time, battery: { $lastUpdated: time } },
          $version: 2,
        },
      },
    })
  })

  test('that there is not is not found', async () => {
    for (const request of ['GET /twins/ghost', 'PATCH /twins/ghost', 'PUT /twins/ghost']) {
      const { status, error } = await door.ask(request, request.startsWith('GET') ? {} : { body: {} })
      expect([status, error]).toEqual([404, 'DeviceNotFound;There is no device "ghost".'])
    }
  })
})

describe('PATCH', () => {
  test('merges, removes what is null and answers the whole new twin', async () => {
    const { body } = await change('PATCH', {
      tags: { floor: null, room: 12 },
      properties: { desired: { fan: { speed: 2 } } },
    })
    expect(body).toMatchObject({ etag: 'AAAAAAAAAAI=', version: 2, tags: { site: 'north', room: 12 } })
    expect(body.tags).not.toHaveProperty('floor')
    expect(valuesOf(body.properties.desired)).toEqual({ fan: { speed: 2, mode: 'a' }, on: true })
    expect(body.properties.desired.$version).toBe(2)
  })

  test('takes back a twin as it was read, changed, with all that services cannot write', async () => {
    await reportProperties(door.deps, id, { battery: 1 })
    const { body: twin } = await door.ask(`GET /twins/${id}`)
    const { status, body } = await change('PATCH', { ...twin, tags: { site: 'south' } }, `"${twin.etag}"`)
    expect([status, body.tags.site]).toEqual([200, 'south'])
    expect(body.properties.reported).toEqual(twin.properties.reported)
  })

  test.each([
    ['reported properties', { properties: { reported: { a: 1 } } }],
    ['reported properties of any shape', { properties: { reported: [null] } }],
    ['nothing', {}],
    ['properties without content', { properties: {} }],
    ['sections without content', { tags: {}, properties: { desired: {}, reported: {} } }],
    ['marks', { properties: { desired: { $version: 7, $metadata: { $lastUpdated: 'x' } } } }],
    [
      'what a twin says of its device',
      { deviceId: 'other', etag: 'x', version: 9, status: 'disabled', capabilities: {} },
    ],
  ])('of %s changes nothing and tells nobody', async (_, body) => {
    const heard: DesiredPatch[] = []
    const stopListening = door.deps.events.listen('desiredPatches')((patches) => heard.push(...patches))
    const { body: before } = await door.ask(`GET /twins/${id}`)
    const answer = await change('PATCH', body)
    expect([answer.status, answer.body]).toEqual([200, before])
    // The next write is the first that is heard of, and has the next version.
    await change('PATCH', { properties: { desired: { on: false } } })
    expect(heard).toEqual([{ deviceId: id, version: 2, patch: { on: false } }])
    stopListening()
  })

  test('of one section leaves the other alone, though it is there', async () => {
    const { body } = await change('PATCH', { tags: { a: 1 }, properties: { desired: {}, reported: {} } })
    expect(body).toMatchObject({ version: 2, etag: 'AAAAAAAAAAI=', tags: { a: 1 } })
    expect(body.properties.desired.$version).toBe(1)
  })

  test('without content still needs the device and compares the etag', async () => {
    expect((await change('PATCH', { tags: {} }, '"AAAAAAAAAAI="')).status).toBe(412)
    expect((await door.ask('PATCH /twins/ghost', { body: { tags: {} } })).status).toBe(404)
  })

  test('that writes what is there already is a write', async () => {
    const { body } = await change('PATCH', { properties: { desired: { on: true } } })
    expect(body.properties.desired.$version).toBe(2)
  })

  test.each([
    ['"*"', 200],
    ['*', 200],
    ['"AAAAAAAAAAE="', 200],
    ['AAAAAAAAAAE=', 200],
    ['"AAAAAAAAAAI="', 412],
    ['AAAAAAAAAAI=', 412],
    [undefined, 200],
  ])('under If-Match %s: %i', async (ifMatch, status) => {
    const answer = await change('PATCH', { tags: { a: 1 } }, ifMatch)
    expect(answer.status).toBe(status)
    if (status === 412) expect(answer.error).toMatch(/^PreconditionFailed;/)
  })

  test.each([
    [{ desired: { a: 1 } }, /no member "desired"/],
    [{ tags: null }, /must be an object/],
    [{ properties: { desired: null } }, /must be an object/],
    [{ tags: { 'a.b': 1 } }, /one of the characters/],
    [{ tags: { a: 'x'.repeat(4097) } }, /at most 4 KB/],
    [{ properties: { desired: { a: [null] } } }, /null inside an array/],
    [{ tags: Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`k${i}`, 'x'.repeat(4000)])) }, /At most 8 KB/],
  ])('of %j is refused', async (body, text) => {
    const { status, error } = await change('PATCH', body)
    expect(status).toBe(400)
    expect(error).toMatch(/^ArgumentInvalid;/)
    expect(error).toMatch(text)
    expect((await door.ask(`GET /twins/${id}`)).body.version).toBe(1)
  })
})

describe('PUT', () => {
  test('replaces the sections that are given and leaves the others', async () => {
    const { body } = await change('PUT', { properties: { desired: { fan: { speed: 9 }, extra: [1], no: null } } })
    expect(valuesOf(body.properties.desired)).toEqual({ fan: { speed: 9 }, extra: [1] })
    expect(body.properties.desired).toMatchObject({ $version: 2, $metadata: { $lastUpdatedVersion: 2 } })
    expect(body.properties.desired.$metadata).not.toHaveProperty('on')
    expect(body).toMatchObject({ tags: { site: 'north', floor: 3 }, etag: 'AAAAAAAAAAI=', version: 2 })
    expect((await change('PUT', { tags: { only: 1 } })).body.tags).toEqual({ only: 1 })
  })

  test('empties a section that is null', async () => {
    const { body } = await change('PUT', { tags: null, properties: { desired: null } })
    expect([body.tags, valuesOf(body.properties.desired)]).toEqual([{}, {}])
  })

  test('of nothing in place of nothing changes nothing', async () => {
    await change('PUT', { tags: {}, properties: { desired: {} } })
    const { body: empty } = await door.ask(`GET /twins/${id}`)
    expect((await change('PUT', { tags: {}, properties: { desired: { $version: 9 } } })).body).toEqual(empty)
    expect((await change('PUT', {})).body).toEqual(empty)
  })

  test('takes back a twin as it was read, reported properties and all', async () => {
    await reportProperties(door.deps, id, { battery: 1 })
    const { body: twin } = await door.ask(`GET /twins/${id}`)
    const { status, body } = await change('PUT', twin, `"${twin.etag}"`)
    expect(status).toBe(200)
    expect(valuesOf(body.properties.reported)).toEqual({ battery: 1 })
    expect(valuesOf(body.properties.desired)).toEqual(valuesOf(twin.properties.desired))
  })

  test('compares the etag', async () => {
    expect((await change('PUT', { tags: {} }, '"AAAAAAAAAAI="')).status).toBe(412)
    expect((await change('PUT', { tags: {} }, '"AAAAAAAAAAE="')).status).toBe(200)
  })

  test('of too much is refused', async () => {
    const { error } = await change('PUT', { properties: { desired: { a: 'x'.repeat(4097) } } })
    expect(error).toMatch(/^ArgumentInvalid;/)
  })

  test('tells the device of what is new and of what has gone, once', async () => {
    const heard: DesiredPatch[] = []
    const stopListening = door.deps.events.listen('desiredPatches')((patches) => heard.push(...patches))
    await change('PUT', { tags: { a: 1 } }) // concerns no device
    await change('PUT', { properties: { desired: { fan: { speed: 1 }, level: 2 } } })
    expect(heard).toEqual([{ deviceId: id, version: 2, patch: { fan: { mode: null, speed: 1 }, on: null, level: 2 } }])
    stopListening()
  })
})
