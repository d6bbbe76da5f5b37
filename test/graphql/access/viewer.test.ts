import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { UnauthorizedError } from '../../../src/errors.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { openDoor, personWith, type TestDoor } from '../door.ts'
import { openPort } from '../transport/sockets.ts'

const query = '{ viewer { kind subject issuer name roles rights scope expiresAt } }'

const persons: Readonly<Record<string, Viewer>> = {
  'Bearer north': personWith({
    rights: ['readJobs', 'readDevices'],
    scope: scopeOf(["tags.site = 'north'", 'tags.floor = 1']),
    name: 'Berta',
    roles: ['north-viewer', 'guest'],
  }),
  'Bearer nobody': personWith({ rights: [], scope: scopeOf([]), name: 'Nobody', roles: [] }),
}

let door: TestDoor
let guarded: TestDoor
beforeAll(async () => {
  door = await openDoor({ anonymous: undefined })
  guarded = await openDoor({
    anonymous: undefined,
    authenticate: async (authorization = '') => {
      const viewer = persons[authorization]
      if (viewer === undefined) throw new UnauthorizedError('Sign in.')
      return viewer
    },
  })
})
afterAll(() => Promise.all([door.close(), guarded.close()]))

test('a policy sees its name, its rights and the end of its token', async () => {
  const expiry = Math.floor(Date.now() / 1000) + 600
  const { data, errors } = await door.ask(query, {}, { authorization: await door.token('registryRead', { expiry }) })
  expect(errors).toEqual([])
  expect(data.viewer).toEqual({
    kind: 'POLICY',
    subject: 'registryRead',
    issuer: null,
    name: 'registryRead',
    roles: [],
    rights: ['READ_DEVICES', 'READ_KEYS', 'READ_JOBS'],
    scope: null,
    expiresAt: new Date(expiry * 1000).toISOString(),
  })
})

test('a policy for devices, which may read nothing else, sees itself', async () => {
  const { data, errors } = await door.ask(query, {}, { authorization: await door.token('device') })
  expect(errors).toEqual([])
  expect(data.viewer).toMatchObject({ name: 'device', rights: ['CONNECT_DEVICES'] })
})

test('a person sees the roles, the rights and the scope', async () => {
  const { data } = await guarded.ask(query, {}, { authorization: 'Bearer north' })
  expect(data.viewer).toEqual({
    kind: 'PERSON',
    subject: 'Berta',
    issuer: 'https://issuer.example.test',
    name: 'Berta',
    roles: ['north-viewer', 'guest'],
    rights: ['READ_DEVICES', 'READ_JOBS'],
    scope: "(tags.floor = 1) OR (tags.site = 'north')",
    expiresAt: '2100-01-01T00:00:00.000Z',
  })
})

test('a person without any right is told so', async () => {
  const { data, errors } = await guarded.ask(query, {}, { authorization: 'Bearer nobody' })
  expect(errors).toEqual([])
  expect(data.viewer).toMatchObject({ roles: [], rights: [], scope: 'false' })
})

test('a client of this machine needs no token, and its rights do not expire', async () => {
  const open = await openDoor()
  try {
    const { data } = await open.ask('{ viewer { kind name expiresAt } }')
    expect(data.viewer).toMatchObject({ name: 'iothubowner', expiresAt: null })
  } finally {
    await open.close()
  }
})

test('over a WebSocket, too, the end of the token is known', async () => {
  const port = await openPort({ server: guarded.server })
  const results = port
    .client({ authorization: 'Bearer north' })
    .iterate<{ viewer: unknown }>({ query: '{ viewer { name expiresAt } }' })
  expect((await results.next()).value?.data?.viewer).toEqual({ name: 'Berta', expiresAt: '2100-01-01T00:00:00.000Z' })
  await port.close()
})
