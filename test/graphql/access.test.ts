import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expiryToleranceInSeconds } from '../../src/access/sas.ts'
import type { Viewer } from '../../src/access/viewer.ts'
import { UnauthorizedError } from '../../src/errors.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices } from '../support/rows.ts'
import { hubName, openDoor, personWith, type TestDoor } from './door.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, anonymous: undefined })
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(() => door.close())

const now = () => clock.now().getTime() / 1000
const ask = async (query: string, authorization?: string) =>
  door.ask(query, {}, authorization === undefined ? {} : { authorization })

describe('a request is refused before it is parsed', () => {
  const swapped = async () => (await door.token('service')).replace('skn=service', 'skn=iothubowner')
  const otherKey = Buffer.alloc(32, 1).toString('base64')
  const expiry = () => Math.floor(now()) - expiryToleranceInSeconds - 1
  const forAnotherHub = { resource: 'other.example.test' }
  test.each<[string, string, () => Promise<string | undefined>]>([
    ['without a token', 'UNAUTHORIZED', async () => undefined],
    ['with an empty token', 'UNAUTHORIZED', async () => ''],
    ['with another scheme', 'TOKEN_INVALID', async () => 'Bearer abc'],
    ['with a token signed by another key', 'TOKEN_INVALID', () => door.token('iothubowner', { key: otherKey })],
    ['with a token of an unknown policy', 'TOKEN_INVALID', () => door.token('nobody', { key: otherKey })],
    ["with one policy's signature under another's name", 'TOKEN_INVALID', swapped],
    ['with an expired token', 'TOKEN_EXPIRED', () => door.token('iothubowner', { expiry: expiry() })],
    [
      'with an expired token that was never good, of which nobody learns that it has expired',
      'TOKEN_INVALID',
      () => door.token('iothubowner', { expiry: expiry(), key: otherKey }),
    ],
    [
      'with an expired token for another hub',
      'TOKEN_INVALID',
      () => door.token('iothubowner', { expiry: expiry(), ...forAnotherHub }),
    ],
    ['with a token for another hub', 'TOKEN_INVALID', () => door.token('iothubowner', forAnotherHub)],
    [
      'with a token for one device',
      'TOKEN_INVALID',
      () => door.token('iothubowner', { resource: `${hubName}%2Fdevices%2Fpump-0001` }),
    ],
    [
      'with a token twice',
      'TOKEN_INVALID',
      async () => `${await door.token('iothubowner')}, ${await door.token('iothubowner')}`,
    ],
  ])('%s', async (_what, code, authorization) => {
    const { status, errors, data } = await ask('{ this is no GraphQL', await authorization())
    expect({ status, data }).toEqual({ status: 401, data: undefined })
    expect(errors).toMatchObject([{ extensions: { code } }])
    expect(errors[0]?.extensions).not.toHaveProperty('http')
  })
})

test('without a token the body of a request is not even read', async () => {
  let isRead = false
  const body = new ReadableStream(
    {
      pull(controller) {
        isRead = true
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
  expect((await door.server.fetch(new Request('http://localhost/graphql', init))).status).toBe(401)
  expect(isRead).toBe(false)
})

test('a good token is taken until its expiry and the tolerance for clocks that drift', async () => {
  const token = await door.token('iothubowner', { expiry: Math.floor(now()) - expiryToleranceInSeconds + 5 })
  expect(await ask('{ jobs(first: 1) { nodes { jobId } } }', token)).toMatchObject({
    status: 200,
    data: { jobs: { nodes: [] } },
  })
})

test('a token that is wrong is refused where none would be needed', async () => {
  const open = await openDoor()
  try {
    expect(await open.ask('{ __typename }')).toMatchObject({ status: 200 })
    expect(await open.ask('{ __typename }', {}, { authorization: 'SharedAccessSignature sr=x' })).toMatchObject({
      status: 401,
    })
  } finally {
    await open.close()
  }
})

describe('rights', () => {
  const policies = ['iothubowner', 'service', 'device', 'registryRead', 'registryReadWrite'] as const
  const condition = "tags.fleet = 'pump'"
  const job = `queryCondition: "*", cloudToDeviceMethod: { methodName: "m" }`
  /** What each policy may, in the order above. */
  const table: [string, string, boolean[]][] = [
    ['device', '{ device(deviceId: "pump-0001") { deviceId } }', [true, true, false, true, true]],
    ['devices', '{ devices(first: 1) { nodes { deviceId } } }', [true, true, false, true, true]],
    [
      'devices by a condition',
      `{ devices(queryCondition: "${condition}", first: 1) { totalCount } }`,
      [true, true, false, false, false],
    ],
    [
      'authentication',
      '{ device(deviceId: "pump-0001") { authentication { type } } }',
      [true, false, false, true, true],
    ],
    ['twin', '{ device(deviceId: "pump-0001") { twin { tags } } }', [true, true, false, false, false]],
    ['jobs', '{ jobs(first: 1) { totalCount } }', [true, true, false, true, true]],
    ['job', '{ job(jobId: "x") { jobId } }', [true, true, false, true, true]],
    [
      'scheduleDeviceMethod',
      `mutation { scheduleDeviceMethod(input: { ${job} }) { __typename } }`,
      [true, true, false, false, true],
    ],
    [
      'scheduleTwinUpdate',
      'mutation { scheduleTwinUpdate(input: { queryCondition: "*", updateTwin: {} }) { __typename } }',
      [true, true, false, false, true],
    ],
    ['cancelJob', 'mutation { cancelJob(input: { jobId: "x" }) { __typename } }', [true, true, false, false, true]],
    ['retryJob', 'mutation { retryJob(input: { jobId: "x" }) { __typename } }', [true, true, false, false, true]],
    [
      'createDevice',
      'mutation { createDevice(input: { deviceId: "/" }) { __typename } }',
      [true, false, false, false, true],
    ],
    [
      'createDevices',
      'mutation { createDevices(input: { devices: [] }) { __typename } }',
      [true, false, false, false, true],
    ],
    [
      'updateDevice',
      'mutation { updateDevice(input: { deviceId: "x" }) { __typename } }',
      [true, false, false, false, true],
    ],
    [
      'deleteDevice',
      'mutation { deleteDevice(input: { deviceId: "x" }) { __typename } }',
      [true, false, false, false, true],
    ],
    [
      'updateTwin',
      'mutation { updateTwin(input: { deviceId: "x", patch: {} }) { __typename } }',
      [true, true, false, false, false],
    ],
    [
      'invokeDeviceMethod',
      'mutation { invokeDeviceMethod(input: { deviceId: "x", methodName: "m" }) { __typename } }',
      [true, true, false, false, false],
    ],
    [
      'node',
      `{ node(id: "${Buffer.from('Device:pump-0001').toString('base64url')}") { id } }`,
      [true, true, false, true, true],
    ],
  ]
  const cases = table.flatMap(([name, query, allowed]) =>
    policies.map(
      (policy, index) => [policy, allowed[index] ? 'may' : 'may not', name, query, allowed[index] === true] as const,
    ),
  )

  test.each(cases)('%s %s %s', async (policy, _may, _name, query, allowed) => {
    const { errors } = await ask(query, await door.token(policy))
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(allowed ? [] : ['FORBIDDEN'])
  })

  test('the secrets of a device are left out of an answer, and the rest of it is there', async () => {
    const { data } = await ask(
      '{ device(deviceId: "pump-0001") { deviceId authentication { type } } }',
      await door.token('service'),
    )
    expect(data).toEqual({ device: { deviceId: 'pump-0001', authentication: null } })
  })

  test.each([
    'deviceJobStatistics(jobId: "x") { version }',
    'jobUpdated { jobId }',
    'twinUpdated(deviceId: "x") { version }',
  ])('the subscription %s is refused when it is asked for', async (selection) => {
    const { errors } = await ask(`subscription { ${selection} }`, await door.token('device'))
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    expect(door.server.openStreams()).toBe(0)
  })
})

describe('what is missing', () => {
  const field = '{ job(jobId: "x") { jobId } }'
  let open: TestDoor
  beforeAll(async () => {
    const lack = 'Your token has no role that this hub knows.'
    const viewers: Record<string, Viewer> = {
      reader: personWith({ rights: ['readDevices'], roles: ['reader', 'guest'] }),
      nobody: { ...personWith({ rights: [], roles: [] }), lack },
    }
    open = await openDoor({
      anonymous: undefined,
      authenticate: async (authorization = '', { forwarded }) => {
        const viewer = viewers[authorization.replace('Bearer ', '')]
        if (viewer === undefined || forwarded) throw new UnauthorizedError('Sign in.')
        return viewer
      },
    })
    await givenDevices(open.deps, 'pump', 1)
  })
  afterAll(() => open.close())

  test('is a right, for a policy', async () => {
    const { errors } = await ask('{ jobs(first: 1) { totalCount } }', await door.token('device'))
    expect(errors).toMatchObject([
      {
        message: 'The policy "device" does not grant access to Query.jobs. It requires the right readJobs.',
        extensions: { code: 'FORBIDDEN', missing: { right: 'readJobs' } },
      },
    ])
  })

  test('is one of several rights, if each of them is enough', async () => {
    const { errors } = await ask('{ device(deviceId: "x") { deviceId } }', await door.token('device'))
    expect(errors[0]?.message).toMatch(/It requires the right readDevices or readTwins\.$/)
  })

  test('is a right, for a person with roles', async () => {
    const { errors } = await open.ask(field, {}, { authorization: 'Bearer reader' })
    expect(errors).toMatchObject([
      {
        message: 'Your roles (reader, guest) do not grant access to Query.job. It requires the right readJobs.',
        extensions: { code: 'FORBIDDEN', missing: { right: 'readJobs' } },
      },
    ])
  })

  test('is said in the words of the hub, for a person without known roles', async () => {
    const { errors } = await open.ask(field, {}, { authorization: 'Bearer nobody' })
    expect(errors).toMatchObject([
      { message: 'Your token has no role that this hub knows.', extensions: { missing: { right: 'readJobs' } } },
    ])
  })

  test('keys need a right of their own, and the rest of the device is there', async () => {
    const query = '{ device(deviceId: "pump-0001") { authentication { type symmetricKey { primaryKey } } } }'
    const { data, errors } = await open.ask(query, {}, { authorization: 'Bearer reader' })
    expect(data).toEqual({ device: { authentication: { type: 'SAS', symmetricKey: null } } })
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', missing: { right: 'readKeys' } } }])
  })

  test('a person whom the authenticator does not know is refused', async () => {
    expect((await open.ask(field, {}, { authorization: 'Bearer stranger' })).status).toBe(401)
  })
})
