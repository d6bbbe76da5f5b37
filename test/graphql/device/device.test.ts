import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { CreateDevices } from '../operations.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 5)
  await givenDevices(door.deps, 'valve', 2)
})
afterAll(() => door.close())

const create = `mutation ($input: CreateDeviceInput!) {
  createDevice(input: $input) {
    __typename
    ... on CreateDevicePayload {
      device {
        id deviceId status statusReason connectionState lastActivityTime etag
        authentication { type symmetricKey { primaryKey secondaryKey } x509Thumbprint { primaryThumbprint } }
        twin { version tags properties { desired { value version } reported { value version } } }
      }
    }
    ... on Error { code }
    ... on InvalidInputError { path }
  }
}`

test('a device is created with made keys, and its twin with what it is given', async () => {
  const { data, errors } = await door.ask(create, {
    input: {
      deviceId: 'fan-1',
      statusReason: 'new',
      twin: { tags: { site: 'north' }, properties: { desired: { speed: 3 } } },
    },
  })
  expect(errors).toEqual([])
  expect(data).toMatchObject({
    createDevice: {
      device: {
        deviceId: 'fan-1',
        status: 'ENABLED',
        statusReason: 'new',
        connectionState: 'DISCONNECTED',
        lastActivityTime: null,
        etag: expect.stringMatching(/=$/),
        authentication: {
          type: 'SAS',
          symmetricKey: {
            primaryKey: expect.stringMatching(/^.{43}=$/),
            secondaryKey: expect.stringMatching(/^.{43}=$/),
          },
          x509Thumbprint: null,
        },
        twin: {
          version: 1,
          tags: { site: 'north' },
          properties: { desired: { value: { speed: 3 }, version: 1 }, reported: { value: {}, version: 1 } },
        },
      },
    },
  })
})

describe('what breaks a rule is an InvalidInputError with its path', () => {
  test.each([
    ['an id with a slash', { deviceId: 'a/b' }, ['deviceId']],
    ['a reason of 129 characters', { deviceId: 'x', statusReason: 'x'.repeat(129) }, ['statusReason']],
    [
      'one key of two',
      { deviceId: 'x', authentication: { symmetricKey: { primaryKey: 'AAAAAAAAAAAAAAAAAAAAAA==' } } },
      ['authentication', 'symmetricKey'],
    ],
    [
      'a thumbprint of letters',
      { deviceId: 'x', authentication: { x509Thumbprint: { primaryThumbprint: 'zz' } } },
      ['authentication', 'x509Thumbprint', 'primaryThumbprint'],
    ],
    ['a key with a dot', { deviceId: 'x', twin: { tags: { 'a.b': 1 } } }, ['twin', 'tags', 'a.b']],
  ])('%s', async (_what, input, path) => {
    const { data } = await door.ask(create, { input })
    expect(data).toEqual({ createDevice: { __typename: 'InvalidInputError', code: 'INVALID_INPUT', path } })
  })
})

test('of many devices each gets its own result, in the order given', async () => {
  const { createDevices } = await door.run(CreateDevices, {
    input: {
      devices: [
        { deviceId: 'm-2' },
        { deviceId: 'a/b' },
        { deviceId: 'm-1' },
        { deviceId: 'm-2' },
        { deviceId: 'pump-0001' },
      ],
    },
  })
  expect(createDevices).toEqual({
    __typename: 'CreateDevicesPayload',
    results: [
      { __typename: 'CreateDevicePayload', device: { deviceId: 'm-2' } },
      { __typename: 'InvalidInputError', code: 'INVALID_INPUT', path: ['deviceId'] },
      { __typename: 'CreateDevicePayload', device: { deviceId: 'm-1' } },
      { __typename: 'AlreadyExistsError', code: 'ALREADY_EXISTS' },
      { __typename: 'AlreadyExistsError', code: 'ALREADY_EXISTS' },
    ],
  })
})

test.each([0, 1001])('a list of %i devices is refused as a whole', async (count) => {
  const devices = Array.from({ length: count }, (_, index) => ({ deviceId: `n-${index}` }))
  const { createDevices } = await door.run(CreateDevices, { input: { devices } })
  expect(createDevices).toEqual({ __typename: 'InvalidInputError', path: ['devices'] })
})

describe('an update', () => {
  const update = `mutation ($input: UpdateDeviceInput!) {
    updateDevice(input: $input) {
      __typename
      ... on UpdateDevicePayload { device { status statusReason etag authentication { type } } }
      ... on Error { code }
    }
  }`

  test('changes what is given and leaves the rest, also what is given as null', async () => {
    await door.ask(create, {
      input: {
        deviceId: 'u-1',
        statusReason: 'why',
        authentication: { x509Thumbprint: { primaryThumbprint: 'a'.repeat(40) } },
      },
    })
    await door.ask(update, { input: { deviceId: 'u-1', status: 'DISABLED' } })
    const { data } = await door.ask(update, {
      input: { deviceId: 'u-1', status: null, authentication: null, statusReason: null },
    })
    expect(data).toMatchObject({
      updateDevice: { device: { status: 'DISABLED', statusReason: null, authentication: { type: 'SELF_SIGNED' } } },
    })
  })

  test('with an old etag is a PreconditionError', async () => {
    await door.ask(create, { input: { deviceId: 'u-2' } })
    const { data } = await door.ask('{ device(deviceId: "u-2") { etag } }')
    const input = { deviceId: 'u-2', ifMatch: Object(data.device).etag, statusReason: 'first' }
    expect((await door.ask(update, { input })).data).toMatchObject({
      updateDevice: { __typename: 'UpdateDevicePayload' },
    })
    expect((await door.ask(update, { input })).data).toMatchObject({ updateDevice: { code: 'PRECONDITION_FAILED' } })
  })

  test('of an unknown device is a NotFoundError', async () => {
    const { data } = await door.ask(update, { input: { deviceId: 'nobody' } })
    expect(data).toEqual({ updateDevice: { __typename: 'NotFoundError', code: 'NOT_FOUND' } })
  })
})

test('a deleted device is gone, and deleting it again is a NotFoundError', async () => {
  const remove =
    'mutation { deleteDevice(input: { deviceId: "gone" }) { __typename ... on DeleteDevicePayload { deviceId } } }'
  await door.ask(create, { input: { deviceId: 'gone' } })
  expect((await door.ask(remove)).data).toEqual({
    deleteDevice: { __typename: 'DeleteDevicePayload', deviceId: 'gone' },
  })
  expect((await door.ask('{ device(deviceId: "gone") { id } }')).data).toEqual({ device: null })
  expect((await door.ask(remove)).data).toEqual({ deleteDevice: { __typename: 'NotFoundError' } })
})

describe('the list of devices', () => {
  const list = `query ($queryCondition: String, $orderBy: DeviceOrder, $first: Int, $after: String, $last: Int, $before: String) {
    devices(queryCondition: $queryCondition, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      nodes { deviceId twin { tags } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`
  const page = async (variables: Record<string, unknown>) => {
    const { data, errors } = await door.ask(list, variables)
    expect(errors).toEqual([])
    const { nodes, pageInfo, totalCount } = Object(data.devices)
    return { ids: nodes.map(({ deviceId }: { deviceId: string }) => deviceId), pageInfo, totalCount }
  }
  const condition = "tags.fleet = 'pump' OR tags.fleet = 'valve'"

  test('holds those that meet the condition, page by page in both directions', async () => {
    const head = await page({ queryCondition: condition, first: 4 })
    expect(head.ids).toEqual(['pump-0001', 'pump-0002', 'pump-0003', 'pump-0004'])
    expect(head.totalCount).toBe(7)
    expect(head.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const tail = await page({ queryCondition: condition, first: 4, after: head.pageInfo.endCursor })
    expect(tail.ids).toEqual(['pump-0005', 'valve-0001', 'valve-0002'])
    expect(tail.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const back = await page({ queryCondition: condition, last: 2, before: tail.pageInfo.startCursor })
    expect(back.ids).toEqual(['pump-0003', 'pump-0004'])
  })

  test('is read from its end with a descending order, and both orders have cursors of their own', async () => {
    const orderBy = { field: 'DEVICE_ID', direction: 'DESC' }
    for (const queryCondition of [condition, '*']) {
      const ascending = await page({ queryCondition, first: 100 })
      const head = await page({ queryCondition, orderBy, first: 4 })
      const tail = await page({ queryCondition, orderBy, first: 100, after: head.pageInfo.endCursor })
      expect([...head.ids, ...tail.ids]).toEqual(ascending.ids.toReversed())
      const back = await page({ queryCondition, orderBy, last: 2, before: tail.pageInfo.startCursor })
      expect(back.ids).toEqual(head.ids.slice(2))
      const { errors } = await door.ask(list, { queryCondition, first: 1, after: head.pageInfo.endCursor })
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }])
    }
  })

  test('holds all of them without a condition', async () => {
    const { ids } = await page({ first: 100 })
    expect(ids).toEqual(expect.arrayContaining(['pump-0001', 'valve-0002']))
  })

  test('says where a condition is wrong', async () => {
    const { errors } = await door.ask(list, { queryCondition: "tags.fleet = 'pump' AND", first: 1 })
    expect(errors).toMatchObject([{ path: ['devices'], extensions: { code: 'QUERY_CONDITION', line: 1, column: 24 } }])
  })

  test('says what was meant by a name alone', async () => {
    const { errors } = await door.ask(list, { queryCondition: 'off1', first: 1 })
    expect(errors).toMatchObject([{ message: expect.stringContaining("write deviceId = 'off1'") }])
    expect(errors).toMatchObject([{ extensions: { code: 'QUERY_CONDITION', line: 1, column: 1 } }])
  })

  test('refuses the cursor of another list', async () => {
    const after = Buffer.from('["jobs:jobId:asc","pump-0001"]').toString('base64url')
    const { errors } = await door.ask(list, { first: 1, after })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }])
  })
})

describe('global ids', () => {
  test('lead back to their objects, in the order asked for', async () => {
    const { data } = await door.ask(
      '{ a: device(deviceId: "pump-0001") { id } b: device(deviceId: "pump-0002") { id } }',
    )
    const ids = [Object(data.b).id, Buffer.from('Device:nobody').toString('base64url'), Object(data.a).id]
    const again = await door.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Device { deviceId } } }', { ids })
    expect(again.data).toEqual({
      nodes: [{ id: ids[0], deviceId: 'pump-0002' }, null, { id: ids[2], deviceId: 'pump-0001' }],
    })
  })

  test.each([
    ['garbage', 'x'],
    ['of a type that has none', Buffer.from('TwinPath:pump-0001').toString('base64url')],
    ['in another spelling', `${Buffer.from('Device:pump-0001').toString('base64url')}=`],
  ])('are refused when they are %s', async (_what, id) => {
    const { errors } = await door.ask('query ($id: ID!) { node(id: $id) { id } }', { id })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_ID' } }])
  })

  test('are at most 100 at once', async () => {
    const { errors } = await door.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array.from({ length: 101 }, (_, index) => Buffer.from(`Device:${index}`).toString('base64url')),
    })
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'ids' } }])
  })
})

describe('updateTwin', () => {
  const update = `mutation ($input: UpdateTwinInput!) {
    updateTwin(input: $input) {
      __typename
      ... on UpdateTwinPayload { twin { tags etag version properties { desired { value metadata version } } } }
      ... on Error { code }
      ... on InvalidInputError { path }
    }
  }`

  test('merges, deletes by null and stamps what it wrote', async () => {
    await door.ask(update, {
      input: { deviceId: 'valve-0001', patch: { properties: { desired: { a: 1, b: { c: 2, d: 3 } } } } },
    })
    const { data } = await door.ask(update, {
      input: {
        deviceId: 'valve-0001',
        patch: { tags: { fleet: null }, properties: { desired: { a: null, b: { c: 4 } } } },
      },
    })
    expect(data).toMatchObject({
      updateTwin: {
        twin: {
          tags: {},
          version: 3,
          properties: {
            desired: { value: { b: { c: 4, d: 3 } }, version: 3, metadata: { b: { c: { $lastUpdatedVersion: 3 } } } },
          },
        },
      },
    })
  })

  test.each([
    ['an unknown device', { deviceId: 'nobody', patch: {} }, { code: 'NOT_FOUND' }],
    ['an old etag', { deviceId: 'valve-0001', ifMatch: 'AAAAAAAAAGM=', patch: {} }, { code: 'PRECONDITION_FAILED' }],
    ['tags that are no object', { deviceId: 'valve-0001', patch: { tags: 'x' } }, { path: ['patch', 'tags'] }],
    [
      'a section that would grow too large',
      {
        deviceId: 'valve-0001',
        patch: {
          properties: {
            desired: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, 'x'.repeat(4000)])),
          },
        },
      },
      { code: 'INVALID_INPUT' },
    ],
  ])('refuses %s', async (_what, input, expected) => {
    const { data } = await door.ask(update, { input })
    expect(data).toMatchObject({ updateTwin: expected })
  })
})
