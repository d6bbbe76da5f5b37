import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultPolicies } from '../../src/access/policy.ts'
import { faultMessage } from '../../src/errors.ts'
import { notJsonBody } from '../../src/json/json-body.ts'
import { maxBodyBytes } from '../../src/limits/body-size.ts'
import { createRestHandler, looksLikeRest, routes } from '../../src/rest/router.ts'
import { createTestClock } from '../support/clock.ts'
import { hubName, openDoor, type TestDoor } from './door.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ clock: createTestClock() })
})
afterAll(() => door.close())

describe('the path', () => {
  test.each([
    '/devices/a/b',
    '/twins',
    '/twins/a/b',
    '/jobs/v2/a/b',
    '/statistics',
    '/statistics/x',
    '/jobs/v2/a/cancel/b',
  ])('%s is unknown', async (path) => {
    const { status, error, headers } = await door.ask(`GET ${path}`)
    expect([status, error]).toEqual([404, 'GenericNotFound;This path does not exist. docs/rest.md lists all paths.'])
    expect(headers.get('iothub-errorcode')).toBe('GenericNotFound')
  })

  test.each([
    ['GET /configurations', /^GenericNotFound;This hub has no automatic device configurations.*docs\/rest\.md/],
    ['PUT /configurations/c', /no automatic device configurations/],
    ['POST /devices/d/applyConfigurationContent', /no IoT Edge deployments/],
    ['GET /digitaltwins/d', /no digital twins API.*\/twins\/\{deviceId\}/],
    ['POST /digitaltwins/d/commands/c', /no digital twins API/],
    ['GET /devices/d/modules', /This hub has no modules/],
    ['PUT /devices/d/modules/$edgeAgent', /This hub has no modules/],
    ['POST /twins/d/modules/m/methods', /This hub has no modules/],
    ['GET /messages/serviceBound/feedback', /no cloud-to-device messages/],
    ['POST /messages/deviceBound', /no cloud-to-device messages/],
    ['GET /devices/d/messages/deviceBound', /no cloud-to-device messages/],
    ['DELETE /devices/d/commands', /no cloud-to-device messages/],
    ['POST /devices/d/messages/events', /docs\/mqtt\.md/],
    ['POST /devices/d/files', /no file upload/],
    ['PUT /jobs/v2/d/methods/job01', /PUT \/jobs\/v2\/\{jobId\}/], // as the first article on jobs has it
    ['PUT /jobs/v2/d/twin/job01', /PUT \/jobs\/v2\/\{jobId\}/],
  ])('%s is said not to be part of this hub', async (request, text) => {
    const { status, error } = await door.ask(request)
    expect([status, error]).toEqual([404, expect.stringMatching(text)])
    expect(error?.split(';')).toHaveLength(2)
  })

  test('that other programs than this one might be asked by is still taken for REST when it names an api-version', () => {
    expect(looksLikeRest('/services?api-version=2021-04-12')).toBe(true)
    expect(looksLikeRest('/services?a=1&API-Version=2021-04-12')).toBe(true)
    expect(looksLikeRest('/services/api-version=1?x=1')).toBe(false)
    expect(looksLikeRest('http://x/?api-version=1')).toBe(false)
  })

  test.each([
    ['PATCH /devices', 'POST, GET'],
    ['GET /devices/query', undefined],
    ['POST /devices/d', 'GET, PUT, DELETE'],
    ['POST /twins/d', 'GET, PATCH, PUT'],
    ['GET /twins/d/methods', 'POST'],
    ['GET /jobs/v2/j/cancel', 'POST'],
    ['POST /jobs/v2//cancel', 'GET, PUT'], // as IoT Hub answers an empty id
    ['DELETE /devices/', 'GET, POST'],
    ['OPTIONS /devices', 'GET, POST'],
    ['HEAD /devices/d', 'GET, PUT, DELETE'],
  ])('%s takes other verbs', async (request, allow) => {
    const { status, error, headers } = await door.ask(request)
    if (allow === undefined) return expect(status).toBe(404) // a device may be called "query"
    expect([status, error?.split(';')[0]]).toEqual([405, 'GenericMethodNotAllowed'])
    expect(headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort())
  })

  test.each(['/devices/%', '/devices/%zz', '/devices/%C0%80', '/devices/a%00b'])(
    '%s is badly encoded',
    async (path) => {
      expect((await door.ask(`GET ${path}`)).error).toBe('ArgumentInvalid;The percent-encoding of the path is invalid.')
    },
  )
})

test.each(['%', '%zz', '%C0%80', '%ff'])('a query string with %s is badly encoded', async (text) => {
  const { status, error } = await door.ask(`GET /jobs/v2/query?api-version=2021-04-12&jobType=${text}`)
  expect([status, error]).toEqual([400, 'ArgumentInvalid;The percent-encoding of the query string is invalid.'])
})

describe('the api-version', () => {
  test.each(['', '2021', '2021-4-12', '2021-04-12-beta', '2021-04-12-preview2', 'latest', ' 2021-04-12'])(
    '"%s" is none',
    async (version) => {
      const { status, error } = await door.ask(`GET /devices?api-version=${version}`)
      expect([status, error?.split(';')[0]]).toEqual([400, 'InvalidProtocolVersion'])
    },
  )

  test('may be spelled in any case, like the other parameters', async () => {
    expect((await door.ask('GET /devices?Api-Version=2021-04-12')).status).toBe(200)
    expect((await door.ask('GET /devices?api-version=2021-04-12&TOP=0')).status).toBe(400)
    expect((await door.ask('GET /jobs/v2/query?api-version=2021-04-12&JobStatus=done')).status).toBe(400)
  })

  test('may not be left out', async () => {
    expect((await door.ask('GET /devices?top=1')).error).toMatch(/^InvalidProtocolVersion;/)
  })

  test.each(['2016-11-14', '2017-11-08-preview', '2021-04-12', '2099-01-01'])(
    '%s is read like any other',
    async (version) => {
      expect((await door.ask(`GET /devices?api-version=${version}`)).status).toBe(200)
    },
  )
})

describe('the token', () => {
  const refused: [string, () => Promise<string | null>][] = [
    ['missing', async () => null],
    ['empty', async () => ''],
    ['of another scheme', async () => 'Bearer abc'],
    ['malformed', async () => 'SharedAccessSignature sr=hub'],
    ['of an unknown policy', () => door.token('nobody', { key: Buffer.alloc(32, 7).toString('base64') })],
    ['signed with another key', () => door.token('iothubowner', { key: Buffer.alloc(32, 8).toString('base64') })],
    ['for another hub', () => door.token('iothubowner', { resource: 'other.example.test' })],
    ['for something else of this hub', () => door.token('iothubowner', { resource: `${hubName}/twins` })],
    ['for the beginning of a name', () => door.token('iothubowner', { resource: `${hubName}/dev` })],
    ['expired', () => door.token('iothubowner', { expiry: door.deps.clock.now().getTime() / 1000 - 301 })],
  ]
  test.each(refused)('%s is refused', async (_, make) => {
    const { status, error, headers } = await door.ask('GET /devices', { token: await make() })
    expect([status, error?.split(';')[0]]).toEqual([401, 'IotHubUnauthorizedAccess'])
    expect(headers.get('www-authenticate')).toBe('SharedAccessSignature')
    expect(headers.get('iothub-errorcode')).toBe('IotHubUnauthorizedAccess')
  })

  const taken: [string, () => Promise<string>][] = [
    [
      'signed with the secondary key',
      async () => {
        const { rows } = await door.deps.database.pool.query(
          "select secondary_key from policy where name = 'iothubowner'",
        )
        return door.token('iothubowner', { key: rows[0].secondary_key })
      },
    ],
    ['for just this', () => door.token('iothubowner', { resource: encodeURIComponent(`${hubName}/devices`) })],
    [
      'that has expired a moment ago',
      () => door.token('iothubowner', { expiry: door.deps.clock.now().getTime() / 1000 - 299 }),
    ],
    [
      'whose scheme is in small letters',
      async () => (await door.token('iothubowner')).replace(/^\w+/, (scheme) => scheme.toLowerCase()),
    ],
    ['for the hub in capitals', () => door.token('iothubowner', { resource: hubName.toUpperCase() })],
    [
      'of a policy that was added',
      async () => {
        const key = Buffer.alloc(32, 9).toString('base64')
        await door.deps.database.pool.query(
          "insert into policy values ('ours', '{registryRead}', $1, $1) on conflict do nothing",
          [key],
        )
        return door.token('ours')
      },
    ],
  ]
  test.each(taken)('%s is taken', async (_, make) => {
    expect((await door.ask('GET /devices', { token: await make() })).status).toBe(200)
  })
})

// One request of each kind, and which of the default policies may make it.
const rights: [string, readonly string[]][] = [
  ['GET /devices', ['iothubowner', 'registryRead', 'registryReadWrite']],
  ['POST /devices', ['iothubowner', 'registryReadWrite']],
  ['GET /devices/d', ['iothubowner', 'registryRead', 'registryReadWrite']],
  ['PUT /devices/d', ['iothubowner', 'registryReadWrite']],
  ['DELETE /devices/d', ['iothubowner', 'registryReadWrite']],
  ['GET /statistics/devices', ['iothubowner', 'registryRead', 'registryReadWrite']],
  ['GET /statistics/service', ['iothubowner', 'registryRead', 'registryReadWrite']],
  ['GET /twins/d', ['iothubowner', 'service']],
  ['PATCH /twins/d', ['iothubowner', 'service']],
  ['PUT /twins/d', ['iothubowner', 'service']],
  ['POST /twins/d/methods', ['iothubowner', 'service']],
  ['POST /devices/query', ['iothubowner', 'service']],
  ['GET /jobs/v2/query', ['iothubowner', 'service', 'registryRead', 'registryReadWrite']],
  ['GET /jobs/v2/j', ['iothubowner', 'service', 'registryRead', 'registryReadWrite']],
  ['PUT /jobs/v2/j', ['iothubowner', 'service', 'registryReadWrite']],
  ['POST /jobs/v2/j/cancel', ['iothubowner', 'service', 'registryReadWrite']],
  ['POST /jobs/create', ['iothubowner', 'registryReadWrite']],
  ['GET /jobs', ['iothubowner', 'registryRead', 'registryReadWrite']],
  ['GET /jobs/j', ['iothubowner', 'registryRead', 'registryReadWrite']],
  ['DELETE /jobs/j', ['iothubowner', 'registryReadWrite']],
]

describe('rights', () => {
  test('are listed here for every route that needs one', () => {
    const patterns = rights.map(([request]) =>
      request.replace(/\/d\b/, '/{deviceId}').replace(/\/j\b(?!obs)/, '/{jobId}'),
    )
    const needing = routes.filter(({ right }) => right !== undefined)
    expect(patterns.sort()).toEqual(needing.map(({ method, path }) => `${method} ${path}`).sort())
  })

  test.each(rights)('%s may be asked by %s and nobody else', async (request, allowed) => {
    for (const { name } of defaultPolicies) {
      const { status } = await door.ask(request, { token: await door.token(name) })
      expect([name, status === 401]).toEqual([name, !allowed.includes(name)])
    }
  })
})

describe('the body', () => {
  const put = (body: unknown, headers = {}) => door.ask('PUT /devices/d', { body, headers })

  test.each([
    ['of another type', { 'content-type': 'text/plain' }],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['that is compressed', { 'content-encoding': 'gzip' }],
  ])('%s is refused as in GraphQL', async (_, headers) => {
    const { status, error } = await put({}, headers)
    expect([status, error]).toEqual([415, `GenericUnsupportedMediaType;${notJsonBody}`])
  })

  test('that is missing is said to be missing', async () => {
    const { status, error } = await door.ask('PUT /devices/d')
    expect([status, error]).toEqual([400, 'ArgumentNull;The request has no body.'])
  })

  test.each(['{', '{"a":1,}', 'null x', "{'a':1}", '\u00a0'])('%s is not JSON', async (text) => {
    const { status, error } = await put(text)
    expect([status, error?.split(';')[0]]).toEqual([400, 'DeserializationError'])
    expect(error?.split(';')).toHaveLength(2)
  })

  test('that is not UTF-8 is refused, and none of it becomes another text', async () => {
    const body = Buffer.from('{"statusReason":"X"}')
    body[body.indexOf('X')] = 0xff
    const { status, error } = await put(new Blob([body]))
    expect([status, error]).toEqual([400, 'DeserializationError;The body is not JSON: it is not UTF-8.'])
  })

  test('may begin with a byte order mark', async () => {
    expect((await put('\uFEFF{"statusReason":"marked"}')).body).toMatchObject({ statusReason: 'marked' })
  })

  test.each(['null', '1', '"text"', '[]', 'true'])('%s is no object', async (text) => {
    const { status, error } = await put(text)
    expect([status, error]).toEqual([400, 'ArgumentInvalid;The body must be an object.'])
  })

  test('that is nested too deep is refused and not walked through', async () => {
    const { status, error } = await put(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    expect([status, error]).toEqual([400, 'DeserializationError;The body is nested more than 72 levels deep.'])
  })

  test('that is too large is refused, also when it does not say so', async () => {
    const text = JSON.stringify({ statusReason: 'x'.repeat(maxBodyBytes) })
    for (const headers of [{}, { 'content-length': '1' }]) {
      const { status, error } = await put(text, headers)
      expect([status, error]).toEqual([
        413,
        'MessageTooLarge;The body of this request is too large. At most 256 KB are allowed.',
      ])
    }
    expect((await put('{}', { 'content-length': String(maxBodyBytes + 1) })).status).toBe(413)
  })

  test('is not looked at before the token', async () => {
    expect((await door.ask('PUT /devices/d', { body: '{', token: null })).status).toBe(401)
  })
})

test('a fault is answered with where to look for it, and what it was stands in the log only', async () => {
  const broken = await openDoor({
    share: door,
    wrap: ({ db }) => ({
      db: {
        ...db,
        reads: { query: () => Promise.reject(new Error('the secret of the database')) },
      },
    }),
  })
  const { status, error, body, headers } = await broken.ask('GET /devices')
  expect(status).toBe(500)
  expect(JSON.stringify(body)).not.toContain('secret')
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  const trackingId = /Tracking ID:(\w{32})-TimeStamp:01\/01\/2026 00:00:00$/.exec(body.ExceptionMessage)?.[1] ?? ''
  expect(error).toBe(`ServerError;${faultMessage(trackingId)}`)
  expect(broken.logged).toMatchObject([
    { trackingId, requestId: trackingId, path: '/devices', err: { message: 'the secret of the database' } },
  ])
})

test('the id of a request is in the header of its answer, and the tracking id of its error', async () => {
  const headers = { 'request-id': '0d3c4d3e-6a0d-4d3a-9d07-1f6e3f2c7b11' }
  const good = await door.ask('GET /devices', { headers })
  expect(good).toMatchObject({ status: 200 })
  expect(good.headers.get('x-ms-request-id')).toBe(headers['request-id'])
  const bad = await door.ask('GET /devices/nobody', { headers })
  expect(bad.headers.get('x-ms-request-id')).toBe(headers['request-id'])
  expect(bad.body.ExceptionMessage).toMatch(`Tracking ID:${headers['request-id']}-TimeStamp:`)
})

test('a refused token is logged with its reason and the address', async () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const choices = { unknownJob: '404', cancelRunning: false, strictQuery: false } as const
  const rest = createRestHandler({ ...door.deps, log, clock: createTestClock() }, { hostNames: [hubName], choices })
  const ask = (authorization?: string) =>
    rest(
      new Request('http://hub/devices?api-version=2021-04-12', { headers: authorization ? { authorization } : {} }),
      '192.0.2.7',
    )
  for (let count = 0; count < 2; count++) expect((await ask()).status).toBe(401)
  expect((await ask(await door.token('device'))).status).toBe(401)
  expect(lines).toMatchObject([
    { protocol: 'REST', address: '192.0.2.7', reason: 'no token was sent' },
    { protocol: 'REST', address: '192.0.2.7', reason: 'The policy device does not have the right for this request.' },
  ])
})
