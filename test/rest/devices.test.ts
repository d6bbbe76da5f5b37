import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTestClock } from '../support/clock.ts'
import { openDoor, type TestDoor } from './door.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ clock: createTestClock() })
})
afterAll(() => door.close())

const put = (id: string, body: unknown = {}, ifMatch?: string) =>
  door.ask(`PUT /devices/${encodeURIComponent(id)}`, {
    body,
    headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
  })
const emptyKeys = { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } }
const first = 'AAAAAAAAAAE='
const second = 'AAAAAAAAAAI='

describe('a device', () => {
  test('is created as the SDK asks for it, its keys made for it', async () => {
    const { status, body, headers } = await put('pump-1', {
      deviceId: 'pump-1',
      status: 'disabled',
      statusReason: 'in stock',
      capabilities: { iotEdge: true },
      authentication: emptyKeys,
    })
    expect(status).toBe(200)
    expect(headers.get('etag')).toBe(`"${first}"`)
    const { authentication, generationId, ...device } = body
    expect(device).toEqual({
      deviceId: 'pump-1',
      etag: first,
      connectionState: 'Disconnected',
      status: 'disabled',
      statusReason: 'in stock',
      connectionStateUpdatedTime: '0001-01-01T00:00:00Z',
      statusUpdatedTime: '0001-01-01T00:00:00Z',
      lastActivityTime: '0001-01-01T00:00:00Z',
      cloudToDeviceMessageCount: 0,
      capabilities: { iotEdge: true },
    })
    expect(authentication).toEqual({
      type: 'sas',
      symmetricKey: { primaryKey: expect.stringMatching(/^.{43}=$/), secondaryKey: expect.stringMatching(/^.{43}=$/) },
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
    })
    const read = await door.ask('GET /devices/pump-1')
    expect(read.body).toEqual(body)
    // Compressed, its length would say something about the keys.
    expect(read.headers.get('cache-control')).toBe('no-transform')
  })

  test('takes the keys and thumbprints that it is given', async () => {
    const symmetricKey = {
      primaryKey: Buffer.alloc(32, 1).toString('base64'),
      secondaryKey: Buffer.alloc(16, 2).toString('base64'),
    }
    expect((await put('keys', { authentication: { symmetricKey } })).body.authentication).toMatchObject({
      type: 'sas',
      symmetricKey,
    })
    const x509Thumbprint = { primaryThumbprint: 'A'.repeat(40), secondaryThumbprint: null }
    expect((await put('certs', { authentication: { x509Thumbprint } })).body.authentication).toEqual({
      type: 'selfSigned',
      symmetricKey: { primaryKey: null, secondaryKey: null },
      x509Thumbprint,
    })
  })

  test.each(['a%2Fb', 'a%20b', '100%', "it's;(so),@home=!", 'query'])(
    'called %s has its name decoded once and no more',
    async (id) => {
      const { status, body } = await put(id)
      expect([status, body.deviceId]).toEqual([200, id])
      const read = await door.ask(`GET /devices/${encodeURIComponent(id)}`)
      expect(read.body.deviceId).toBe(id)
    },
  )

  test('that is there already is not created again', async () => {
    await put('twice')
    const { status, error } = await put('twice')
    expect([status, error]).toEqual([409, 'DeviceAlreadyExists;The device "twice" already exists.'])
  })

  test.each([
    ['a b', {}, /must not contain " "/],
    ['x'.repeat(129), {}, /1 to 128 characters/],
    ['ok', { deviceId: 'other' }, /differs from the one in the path/],
    ['ok', { status: 'on' }, /enabled or disabled/],
    ['ok', { statusReason: 'x'.repeat(129) }, /at most 128/],
    ['ok', { authentication: { type: 'magic' } }, /sas, selfSigned/],
    ['ok', { authentication: { symmetricKey: { primaryKey: 'short' } } }, /both keys/],
    ['ok', { capabilities: { iotEdge: 'yes' } }, /true or false/],
  ])('%s %j is refused', async (id, body, text) => {
    const { status, error } = await put(id, body)
    expect(status).toBe(400)
    expect(error).toMatch(/^ArgumentInvalid;/)
    expect(error).toMatch(text)
  })

  test('that there is not cannot be read, changed or deleted', async () => {
    for (const answer of [
      await door.ask('GET /devices/ghost'),
      await put('ghost', {}, '"*"'),
      await door.ask('DELETE /devices/ghost'),
    ]) {
      expect([answer.status, answer.error]).toEqual([404, 'DeviceNotFound;There is no device "ghost".'])
    }
  })
})

describe('an update', () => {
  test('replaces all of the identity but its keys', async () => {
    const { body: before } = await put('whole', {
      status: 'disabled',
      statusReason: 'why',
      capabilities: { iotEdge: true },
    })
    const { body: after } = await put('whole', { deviceId: 'whole', authentication: emptyKeys }, '"*"')
    expect(after).toMatchObject({
      status: 'enabled',
      statusReason: null,
      capabilities: { iotEdge: false },
      etag: second,
      generationId: before.generationId,
      statusUpdatedTime: '2026-01-01T00:00:00.000Z',
    })
    expect(after.authentication).toEqual(before.authentication)
  })

  test.each([`"${first}"`, first, '"*"', '*'])('under If-Match %s is made', async (ifMatch) => {
    const id = `match-${ifMatch.replaceAll(/\W/g, '-').length}-${ifMatch.includes('*') ? 'star' : 'etag'}`
    await put(id)
    expect((await put(id, {}, ifMatch)).body.etag).toBe(second)
  })

  test.each(['"AAAAAAAAAAM="', 'AAAAAAAAAAM=', '""', 'W/"AAAAAAAAAAE="'])(
    'under If-Match %s is refused, unquoted too',
    async (ifMatch) => {
      const id = `stale-${ifMatch.length}`
      await put(id)
      const { status, error } = await put(id, {}, ifMatch)
      expect([status, error?.split(';')[0]]).toEqual([412, 'PreconditionFailed'])
      const deleted = await door.ask(`DELETE /devices/${id}`, { headers: { 'if-match': ifMatch } })
      expect(deleted.status).toBe(412)
      expect((await door.ask(`GET /devices/${id}`)).body.etag).toBe(first)
    },
  )
})

test('a deleted device is gone, and one of the same name is another', async () => {
  const { body } = await put('gone')
  const { status, body: nothing } = await door.ask('DELETE /devices/gone', { headers: { 'if-match': '"*"' } })
  expect([status, nothing]).toEqual([204, undefined])
  expect((await door.ask('DELETE /devices/gone')).status).toBe(404)
  expect((await put('gone')).body.generationId).not.toBe(body.generationId)
})

describe('lists and counts', () => {
  let own: TestDoor
  beforeAll(async () => {
    own = await openDoor()
    for (const id of ['c', 'a', 'b']) {
      await own.ask(`PUT /devices/${id}`, { body: { status: id === 'b' ? 'disabled' : 'enabled' } })
    }
    await own.deps.database.pool.query(
      "update device set connection_state = 'connected', connection_id = 'x', instance_id = 'y' where id = 'a'",
    )
  })
  afterAll(() => own.close())
  const ids = (answer: { body: { deviceId: string }[] }) => answer.body.map(({ deviceId }) => deviceId)

  test('devices come by id, as a bare array, with or without a slash', async () => {
    expect(ids(await own.ask('GET /devices'))).toEqual(['a', 'b', 'c'])
    expect(ids(await own.ask('GET /devices/?api-version=2021-04-12'))).toEqual(['a', 'b', 'c'])
    expect(ids(await own.ask('GET /devices?api-version=2021-04-12&top=2'))).toEqual(['a', 'b'])
    expect((await own.ask('GET /devices?api-version=2021-04-12&top=0')).status).toBe(400)
  })

  test('are true', async () => {
    expect((await own.ask('GET /statistics/devices')).body).toEqual({
      totalDeviceCount: 3,
      enabledDeviceCount: 2,
      disabledDeviceCount: 1,
    })
    expect((await own.ask('GET /statistics/service')).body).toEqual({ connectedDeviceCount: 1 })
  })
})

describe('a bulk request', () => {
  const bulk = (body: unknown) => door.ask('POST /devices', { body })
  const fine = { isSuccessful: true, errors: [], warnings: [] }
  const twinOf = async (id: string) => (await door.ask(`GET /twins/${id}`)).body

  test('creates devices with their twins', async () => {
    const devices = Array.from({ length: 100 }, (_, index) => ({
      id: `bulk-${index}`,
      importMode: 'create',
      authentication: emptyKeys,
      tags: { index },
      properties: { desired: { on: true } },
    }))
    const { status, body } = await bulk(devices)
    expect([status, body]).toEqual([200, fine])
    expect(await twinOf('bulk-99')).toMatchObject({ tags: { index: 99 }, properties: { desired: { on: true } } })
  })

  test('counts the check of its twins as work for its caller, like the creation of one device', async () => {
    const count = vi.spyOn(door.deps.longTurns, 'count')
    await put('counted', {})
    await bulk([{ id: 'counted-2', tags: { a: 1 } }])
    const callers = count.mock.calls.map(([caller]) => caller)
    expect(callers.length).toBeGreaterThan(1)
    for (const caller of callers) expect(caller).toMatch(/^policy:iothubowner at /)
    count.mockRestore()
  })

  test('passes over what services cannot write of a twin', async () => {
    const properties = { desired: { on: true, $version: 9 }, reported: { a: 1 } }
    expect((await bulk([{ id: 'sent-back', tags: { a: 1 }, properties }])).body).toEqual(fine)
    expect(
      (await bulk([{ id: 'sent-back', importMode: 'updateTwin', properties: { desired: {}, reported: {} } }])).body,
    ).toEqual(fine)
    expect((await bulk([{ id: 'sent-back', importMode: 'update', tags: {}, properties: {} }])).body).toEqual(fine)
    expect(await twinOf('sent-back')).toMatchObject({
      version: 1,
      tags: { a: 1 },
      properties: { desired: { on: true, $version: 1 }, reported: { $version: 1 } },
    })
  })

  test('of 101 devices is too large', async () => {
    const { status, error } = await bulk(Array.from({ length: 101 }, (_, index) => ({ id: `many-${index}` })))
    expect([status, error?.split(';')[0]]).toEqual([413, 'TooManyDevices'])
    expect((await door.ask('GET /devices/many-0')).status).toBe(404)
  })

  test('of none is refused', async () => {
    expect((await bulk('[]')).error).toMatch(/^ArgumentInvalid;The body must be an array of 1 to 100 devices/)
  })

  test.each<[unknown, string]>([
    [{}, 'The body must be an array.'],
    ['x', 'The body must be an array.'],
    [[{ id: 'early' }, 7], '[1] must be an object.'],
    [[{ id: 'early' }, { id: 'late', importMode: { toString: 1 } }], '[1].importMode must be a string.'],
    [[{ id: 'early' }, { id: ['late'] }], '[1].id must be a string.'],
    [[{ id: 'early' }, { id: 'late', properties: { desired: [] } }], '[1].properties.desired must be an object.'],
    [
      [{ id: 'early' }, { id: 'late', capabilities: { iotEdge: 1 } }],
      '[1].capabilities.iotEdge must be true or false.',
    ],
  ])('%j is refused before anything is done', async (body, error) => {
    const answer = await bulk(JSON.stringify(body))
    expect([answer.status, answer.error]).toEqual([400, `ArgumentInvalid;${error}`])
    expect((await door.ask('GET /devices/early')).status).toBe(404)
  })

  test('carries out what it can, and says what it could not', async () => {
    await put('here')
    const { status, body, headers } = await bulk([
      { id: 'new', importMode: 'create' },
      { id: 'here', importMode: 'create' },
      { id: 'new', importMode: 'create' },
      { id: 'bad id', importMode: 'create' },
      { id: 'absent', importMode: 'Update' },
      { id: 'strange', importMode: 'constructor' },
      {},
    ])
    expect(status).toBe(400)
    expect(headers.get('iothub-errorcode')).toBe('BulkRegistryOperationFailure')
    expect(body).toEqual({
      isSuccessful: false,
      warnings: [],
      errors: [
        { deviceId: 'here', errorCode: 'DeviceAlreadyExists', errorStatus: expect.any(String), operation: 'create' },
        {
          deviceId: 'new',
          errorCode: 'DeviceDefinedMultipleTimes',
          errorStatus: expect.any(String),
          operation: 'create',
        },
        { deviceId: 'bad id', errorCode: 'ArgumentInvalid', errorStatus: expect.any(String), operation: 'create' },
        { deviceId: 'absent', errorCode: 'DeviceNotFound', errorStatus: expect.any(String), operation: 'Update' },
        {
          deviceId: 'strange',
          errorCode: 'ArgumentInvalid',
          errorStatus: expect.any(String),
          operation: 'constructor',
        },
        { deviceId: '', errorCode: 'ArgumentInvalid', errorStatus: expect.any(String), operation: '' },
      ],
    })
    expect((await door.ask('GET /devices/new')).status).toBe(200)
  })

  test.each(['update', 'Update', 'UPDATE', 'createOrUpdate'])(
    '%s changes a device, whatever its etag',
    async (importMode) => {
      const id = `mode-${importMode}`
      await put(id)
      expect((await bulk([{ id, importMode, eTag: 'AAAAAAAAAAk=', status: 'disabled', tags: { a: 1 } }])).body).toEqual(
        fine,
      )
      expect((await door.ask(`GET /devices/${id}`)).body).toMatchObject({ status: 'disabled', etag: second })
      expect((await twinOf(id)).tags).toEqual({ a: 1 })
    },
  )

  test.each([
    ['UpdateIfMatchETag', 'eTag'],
    ['updateIfMatchETag', 'etag'],
    ['createOrUpdateIfMatchETag', 'eTag'],
    ['DeleteIfMatchETag', 'etag'],
    ['updateTwinIfMatchETag', 'twinETag'],
  ])('%s compares the %s', async (importMode, name) => {
    const id = `guarded-${importMode}`
    await put(id)
    const change = { id, importMode, tags: { a: 1 } }
    expect((await bulk([{ ...change, [name]: second }])).body.errors).toMatchObject([
      { errorCode: 'PreconditionFailed' },
    ])
    const without = (await bulk([change])).body.errors
    expect(without).toMatchObject([{ errorCode: 'ArgumentInvalid' }])
    expect((await bulk([{ ...change, [name]: first }])).body).toEqual(fine)
  })

  test('creates what is not there, changes twins and deletes', async () => {
    expect((await bulk([{ id: 'upsert', importMode: 'createOrUpdate' }])).body).toEqual(fine)
    expect((await bulk([{ id: 'upsert', importMode: 'updateTwin', tags: { b: 2 } }])).body).toEqual(fine)
    expect((await twinOf('upsert')).tags).toEqual({ b: 2 })
    expect((await door.ask('GET /devices/upsert')).body.etag).toBe(first)
    expect((await bulk([{ id: 'upsert', importMode: 'Delete' }])).body).toEqual(fine)
    expect((await door.ask('GET /devices/upsert')).status).toBe(404)
  })
})
