import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { type OpenAddresses, openAddresses } from '../support/addresses.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Issuer, makeSigningKey, openIssuer } from '../support/issuer.ts'

// A hub with an issuer and a file of roles, as it is started, and a real OpenID provider.

let issuer: Issuer
let database: TestDatabase
let folder: string
let app: App
let addresses: OpenAddresses
const entries: Record<string, unknown>[] = []

beforeAll(async () => {
  issuer = await openIssuer()
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'sign-in-'))
  await writeFile(
    join(folder, 'roles.json'),
    JSON.stringify({ auditors: { extends: 'viewer', rights: ['auditRead'] } }),
  )
  const config = readConfig(
    {
      DATABASE_URL: database.url,
      DATA_DIR: join(folder, 'data'),
      HTTP_PORT: '0',
      HTTPS_PORT: '0',
      MQTT_PORT: '0',
      MQTTS_PORT: '0',
      METRICS_PORT: '0',
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: issuer.audience,
      OIDC_ROLES_PATH: 'access.roles',
      ROLES_FILE: join(folder, 'roles.json'),
    },
    folder,
  )
  app = createApp(config, { log: pino({}, { write: (line: string) => entries.push(JSON.parse(line)) }) })
  addresses = openAddresses(await app.start())
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
  await issuer?.close()
  await rm(folder, { recursive: true, force: true })
})

const viewer = '{ viewer { kind subject issuer name roles rights scope } }'

async function ask(query: string, headers: Record<string, string> = {}) {
  const response = await fetch(addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  return { status: response.status, challenge: response.headers.get('www-authenticate'), ...(await response.json()) }
}
const askAs = async (roles: unknown, query = viewer) =>
  ask(query, { authorization: `Bearer ${await issuer.mint({ access: { roles } })}` })

test('the log of the start says that nobody is anonymous, and which issuers and roles there are', () => {
  expect(entries.find(({ msg }) => msg === 'ready')).toMatchObject({
    access: 'every request needs a token',
    issuers: [issuer.url],
    roles: expect.stringMatching(/^[0-9a-f]{12}$/),
  })
})

test('a person is who the token says, with the rights of the roles at the configured place', async () => {
  expect(await askAs(['auditors'])).toMatchObject({
    status: 200,
    data: {
      viewer: {
        kind: 'PERSON',
        subject: 'anna',
        issuer: issuer.url,
        name: 'Anna',
        roles: ['auditors'],
        rights: ['READ_DEVICES', 'READ_TWINS', 'READ_JOBS', 'AUDIT_READ'],
        scope: null,
      },
    },
  })
  const { data } = await ask(viewer, { authorization: `BEARER  ${await issuer.mint({ access: { roles: 'admin' } })}` })
  expect(data.viewer).toMatchObject({ roles: ['admin'], scope: null })
})

test('a viewer who may not write is refused with the missing right', async () => {
  const answer = await askAs(['viewer'], 'mutation { cancelJob(input: { jobId: "x" }) { __typename } }')
  expect(answer.errors).toMatchObject([
    {
      message: expect.stringMatching(/^Your roles \(viewer\) do not grant .* requires the right writeJobs\.$/),
      extensions: { code: 'FORBIDDEN', missing: { right: 'writeJobs' } },
    },
  ])
})

test.each([[undefined], [[]], [['boss']]])('a token with the roles %j may only see who it is', async (roles) => {
  expect((await askAs(roles)).data.viewer).toMatchObject({ name: 'Anna', roles: [], rights: [], scope: 'false' })
  expect((await askAs(roles, '{ jobs(first: 1) { totalCount } }')).errors).toMatchObject([
    { message: expect.stringContaining('at "access.roles" (OIDC_ROLES_PATH)'), extensions: { code: 'FORBIDDEN' } },
  ])
})

test('a request without a token is refused, also from this machine, and learns which tokens there are', async () => {
  expect(await ask(viewer)).toMatchObject({
    status: 401,
    challenge: 'Bearer, SharedAccessSignature',
    errors: [{ message: expect.stringContaining('"Authorization: Bearer …"'), extensions: { code: 'UNAUTHORIZED' } }],
  })
})

test('a token that is wrong is refused with the reason, and the configured values are not shown', async () => {
  const refused = await ask(viewer, { authorization: `Bearer ${await issuer.mint({ aud: 'other' })}` })
  expect(refused).toMatchObject({
    status: 401,
    challenge: 'Bearer error="invalid_token", SharedAccessSignature',
    errors: [{ message: expect.stringContaining('OIDC_AUDIENCE'), extensions: { code: 'TOKEN_INVALID' } }],
  })
  expect(JSON.stringify(refused)).not.toContain(issuer.audience)
  const stranger = await makeSigningKey('RS256', issuer.key().kid)
  expect(await ask(viewer, { authorization: `Bearer ${await issuer.mint({}, {}, stranger)}` })).toMatchObject({
    status: 401,
    errors: [{ message: 'The signature of the token is not valid.' }],
  })
})

test('downloads need a good token, too', async () => {
  const now = Math.floor(Date.now() / 1_000)
  const answers = (path: string) =>
    Promise.all(
      [{ exp: now - 100 }, { aud: 'other' }, { access: { roles: 'admin' } }].map(async (claims) => {
        const authorization = `Bearer ${await issuer.mint(claims)}`
        const response = await fetch(addresses.http + path, { headers: { authorization } })
        const text = await response.text()
        return [response.status, /"code":"(\w+)"/.exec(text)?.[1], response.headers.get('www-authenticate')]
      }),
    )
  const refused = [
    [401, 'TOKEN_EXPIRED', 'Bearer error="invalid_token", SharedAccessSignature'],
    [401, 'TOKEN_INVALID', 'Bearer error="invalid_token", SharedAccessSignature'],
  ]
  expect(await answers('/graphql/schema.graphql')).toEqual([...refused, [200, undefined, null]])
  expect(await answers('/audit?to=2020-01-01T00:00:00Z')).toEqual([...refused, [200, undefined, null]])
})

test('the REST API accepts no tokens of persons and says so', async () => {
  const response = await fetch(`${addresses.http}/devices?api-version=2021-04-12`, {
    headers: { authorization: `Bearer ${await issuer.mint({ access: { roles: 'admin' } })}` },
  })
  expect([response.status, await response.text()]).toEqual([
    401,
    expect.stringContaining('This API accepts shared access signatures only.'),
  ])
})

/** A socket that has sent `connection_init`: its first message, or the code and the reason with which it was closed. */
async function connect(payload: unknown) {
  const socket = new WebSocket(addresses.graphql.replace('http', 'ws'), 'graphql-transport-ws')
  await once(socket, 'open')
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }))
  const message = once(socket, 'message').then(([data]) => JSON.parse(String(data)))
  socket.send(JSON.stringify({ type: 'connection_init', payload }))
  return { socket, first: await Promise.race([message, closed]), closed }
}

test('a WebSocket is opened with a token, and closed when the token expires', async () => {
  const exp = Math.floor(Date.now() / 1_000) - 58
  const token = await issuer.mint({ access: { roles: 'viewer' }, exp })
  const { socket, first, closed } = await connect({ authorization: `Bearer ${token}` })
  expect(first).toEqual({ type: 'connection_ack' })
  const answer = once(socket, 'message')
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ viewer { name } }' } }))
  expect(JSON.parse(String((await answer)[0]))).toMatchObject({ payload: { data: { viewer: { name: 'Anna' } } } })
  expect(await closed).toEqual({ code: 4403, reason: 'TOKEN_EXPIRED' })
})

test('the error for a token of an unknown issuer names it, over HTTP and to a renewal', async () => {
  const authorization = `Bearer ${await issuer.mint({ iss: 'https://other.example' })}`
  const extensions = { code: 'TOKEN_INVALID', missing: { issuer: 'https://other.example' } }
  expect(await ask(viewer, { authorization })).toMatchObject({ status: 401, errors: [{ extensions }] })
  const { socket } = await connect({ authorization: `Bearer ${await issuer.mint()}` })
  const pong = once(socket, 'message')
  socket.send(JSON.stringify({ type: 'ping', payload: { authorization } }))
  expect(JSON.parse(String((await pong)[0])).payload.error).toEqual({ ...extensions, message: expect.any(String) })
  socket.terminate()
})

test('a WebSocket is closed with 4401 when its token was never good, and with 4403 when another attempt may succeed', async () => {
  const now = Math.floor(Date.now() / 1_000)
  const closed = async (claims: object, key = issuer.key()) =>
    (await connect({ authorization: `Bearer ${await issuer.mint({ ...claims }, {}, key)}` })).first
  expect(await closed({ iss: 'https://other.example' })).toEqual({ code: 4401, reason: 'TOKEN_INVALID' })
  expect(await closed({ exp: now - 100 })).toEqual({ code: 4403, reason: 'TOKEN_EXPIRED' })
  expect(await closed({ nbf: now + 1_000 })).toEqual({ code: 4403, reason: 'TOKEN_INVALID' })
  expect(await closed({}, await makeSigningKey())).toEqual({ code: 4403, reason: 'TOKEN_INVALID' })
})

test('metrics count the reasons of refusals', async () => {
  const refused = async (reason: string): Promise<number> => {
    const text = await (await fetch(addresses.metrics ?? '')).text()
    return Number(
      new RegExp(`^twincast_sign_ins_refused_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
    )
  }
  const before = [await refused('expired'), await refused('issuer')]
  await ask(viewer, { authorization: `Bearer ${await issuer.mint({ exp: 1 })}` })
  await ask(viewer, { authorization: `Bearer ${await issuer.mint({ iss: 'https://other.example' })}` })
  expect([await refused('expired'), await refused('issuer')]).toEqual(before.map((count) => count + 1))
  const response = await fetch(addresses.metrics ?? '')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  expect(text).toContain('twincast_roles_file_valid 1\n')
  expect(text).toContain(`twincast_jwks_age_seconds{issuer="${issuer.url}"}`)
})

test('roles that are read again count for the next request, with the same token', async () => {
  const authorization = `Bearer ${await issuer.mint({ access: { roles: ['south'] } })}`
  expect((await ask(viewer, { authorization })).data.viewer.rights).toEqual([])
  await writeFile(join(folder, 'roles.json'), JSON.stringify({ south: { rights: ['readJobs'] } }))
  await app.reload()
  expect((await ask(viewer, { authorization })).data.viewer).toMatchObject({ roles: ['south'], rights: ['READ_JOBS'] })
})

const writeRoles = async (rights: readonly string[]) => {
  await writeFile(join(folder, 'roles.json'), JSON.stringify({ south: { rights } }))
  await app.reload()
}
const lost = (right: string) => ({
  errors: [
    { message: expect.stringContaining('this subscription'), extensions: { code: 'FORBIDDEN', missing: { right } } },
  ],
})

test('an open WebSocket gets the rights of roles that change, and a lost one ends what needs it', async () => {
  await writeRoles(['readJobs'])
  const token = await issuer.mint({ access: { roles: ['south'] } })
  const { socket, first } = await connect({ authorization: `Bearer ${token}` })
  expect(first).toEqual({ type: 'connection_ack' })
  await writeRoles(['readJobs', 'readTwins'])
  const messages: unknown[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  const send = (id: string, query: string) => socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }))
  send('devices', 'subscription { devicePresenceChanged { deletedDeviceIds } }')
  send('jobs', 'subscription { jobUpdated { jobId } }')
  send('1', '{ viewer { rights } }')
  const answer = { id: '1', type: 'next', payload: { data: { viewer: { rights: ['READ_TWINS', 'READ_JOBS'] } } } }
  await expect.poll(() => messages).toContainEqual(answer)
  await expect.poll(() => messages).toContainEqual(expect.objectContaining({ id: 'devices', type: 'next' }))
  messages.splice(0)
  await writeRoles(['readTwins'])
  await expect.poll(() => messages).toContainEqual({ id: 'jobs', type: 'complete' })
  expect(messages).toContainEqual({ id: 'jobs', type: 'next', payload: lost('readJobs') })
  expect(messages).not.toContainEqual(expect.objectContaining({ id: 'devices' }))
  expect(socket.readyState).toBe(WebSocket.OPEN)
  socket.terminate()
})

test('roles that lose a right end a subscription over HTTP that needs it', async () => {
  await writeRoles(['readJobs', 'readTwins'])
  const token = await issuer.mint({ access: { roles: ['south'] } })
  const subscribe = async (query: string) => {
    const response = await fetch(addresses.graphql, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query }),
    })
    const events = { text: '', isOver: false }
    void (async () => {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) events.text += chunk
      events.isOver = true
    })()
    return events
  }
  const jobs = await subscribe('subscription { jobUpdated { jobId } }')
  const devices = await subscribe('subscription { devicePresenceChanged { deletedDeviceIds } }')
  await expect.poll(() => devices.text).toContain('event: next')
  await writeRoles(['readTwins'])
  await expect.poll(() => jobs.isOver).toBe(true)
  const [, data = ''] = /event: next\ndata: (.*)\n/.exec(jobs.text) ?? []
  expect(JSON.parse(data)).toMatchObject(lost('readJobs'))
  expect(jobs.text).toContain('event: complete')
  expect(devices.isOver).toBe(false)
  await writeRoles([])
  await expect.poll(() => devices.isOver).toBe(true)
})

test('while the issuer is unreachable and its keys are unknown, a token is neither good nor bad: 503', async () => {
  const other = await createTestDatabase()
  issuer.answer((request) => request.socket.destroy())
  const config = readConfig(
    {
      DATABASE_URL: other.url,
      DATA_DIR: join(folder, 'other'),
      HTTP_PORT: '0',
      HTTPS_PORT: '0',
      MQTT_PORT: '0',
      MQTTS_PORT: '0',
      METRICS_PORT: '0',
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: issuer.audience,
    },
    folder,
  )
  const started = createApp(config, { log: pino({ level: 'silent' }) })
  const before = addresses
  try {
    addresses = openAddresses(await started.start())
    expect(await ask(viewer, { authorization: `Bearer ${await issuer.mint()}` })).toMatchObject({
      status: 503,
      errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 3 } }],
    })
    const { first } = await connect({ authorization: `Bearer ${await issuer.mint()}` })
    expect(first).toEqual({ code: 1013, reason: 'The issuer of the token is unavailable. Try again later.' })
  } finally {
    addresses = before
    issuer.answer(undefined)
    await started.stop()
    await other.drop()
  }
})

/** Whether a program with these imports loads the library that verifies tokens. */
async function loadsLibrary(...files: readonly string[]): Promise<boolean> {
  const hook = `
    import { isMainThread } from 'node:worker_threads'
    import { register } from 'node:module'
    export async function load(url, context, next) {
      if (url.includes('/node_modules/jose/')) process.stderr.write('library loaded\\n')
      return next(url, context)
    }
    if (isMainThread) register(import.meta.url)`
  await writeFile(join(folder, 'hook.mjs'), hook)
  const program = files.map((file) => `await import('./src/${file}')`).join('\n')
  const options = ['--import', 'tsx', '--import', join(folder, 'hook.mjs'), '--input-type=module', '-e', program]
  const { stderr } = await promisify(execFile)(process.execPath, options, {
    cwd: resolve(import.meta.dirname, '../..'),
  })
  return stderr.includes('library loaded')
}

test('the program does not load the library that verifies tokens before an issuer needs it', async () => {
  expect(await loadsLibrary('access/oidc/bearer-commands.ts')).toBe(true)
  expect(await loadsLibrary('app.ts')).toBe(false)
})
