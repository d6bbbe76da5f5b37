import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Right } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { IssuerUnavailableError, UnauthorizedError } from '../../../src/errors.ts'
import { mostRenewals, renewalPause } from '../../../src/graphql/transport/socket-viewer.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { openDoor, personWith, type TestDoor } from '../door.ts'
import { type BareSocket, type OpenPort, openPort } from './sockets.ts'

const reader: readonly Right[] = ['readDevices', 'readTwins', 'readJobs']
let clock: TestClock
let door: TestDoor
let port: OpenPort
/** The viewers of tokens, by their texts. */
const tokens = new Map<string, Viewer | Error>()

beforeEach(async () => {
  clock = createTestClock()
  tokens.clear()
  door = await openDoor({
    clock,
    anonymous: undefined,
    async authenticate(authorization = '') {
      const viewer = tokens.get(authorization) ?? new UnauthorizedError('The token is not good.')
      if (viewer instanceof Error) throw viewer
      return viewer
    },
  })
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await door.close()
})

const seconds = (): number => clock.now().getTime() / 1_000
/** A token of Anna that expires in `left` seconds. */
function give(token: string, left: number, changes: Partial<Parameters<typeof personWith>[0]> = {}): string {
  tokens.set(token, { ...personWith({ rights: reader, ...changes }), expiry: seconds() + left })
  return token
}
const expiresIn = (left: number): string => new Date((seconds() + left) * 1_000).toISOString()

async function connect(token: string): Promise<BareSocket> {
  const socket = await port.socket()
  socket.send({ type: 'connection_init', payload: { authorization: token } })
  expect(await socket.next()).toEqual({ type: 'connection_ack' })
  return socket
}
async function ping(socket: BareSocket, payload?: unknown) {
  socket.send({ type: 'ping', ...(payload !== undefined && { payload }) })
  return await socket.next()
}
/** Lets the pause between two renewals pass. */
async function pause(): Promise<void> {
  await clock.giveWay()
  clock.advance(renewalPause)
}
async function expectOpen(socket: BareSocket): Promise<void> {
  expect(await ping(socket, { open: true })).toEqual({ type: 'pong', payload: { open: true } })
}

test('a renewal moves the expiry, again and again, and a subscription goes on through all of them', async () => {
  const socket = await connect(give('first', 20))
  socket.send({
    id: 's',
    type: 'subscribe',
    payload: { query: 'subscription { devicePresenceChanged { __typename } }' },
  })
  for (let times = 0; times < 3; times++) {
    clock.advance(18_000)
    const renewal = await ping(socket, { authorization: give(`token ${times}`, 20) })
    expect(renewal).toEqual({ type: 'pong', payload: { expiresAt: expiresIn(20) } })
    clock.advance(2_000)
  }
  // The first token and its tolerance ended long ago: 60 s, with 20 s before it.
  clock.advance(30_000)
  await expectOpen(socket)
  clock.advance(60_000)
  expect(await socket.closed).toEqual({ code: 4403, reason: 'TOKEN_EXPIRED' })
})

test('operations after a renewal have the rights of the new token', async () => {
  const socket = await connect(give('few', 20, { rights: [] }))
  const ask = async (id: string) => {
    socket.send({ id, type: 'subscribe', payload: { query: '{ jobs(first: 1) { totalCount } }' } })
    const answer = await socket.next()
    expect(await socket.next()).toEqual({ id, type: 'complete' })
    return answer
  }
  expect(await ask('1')).toMatchObject({ payload: { errors: [{ extensions: { code: 'FORBIDDEN' } }] } })
  await ping(socket, { authorization: give('more', 20) })
  expect(await ask('2')).toMatchObject({ payload: { data: { jobs: { totalCount: 0 } } } })
})

const presence = 'subscription { devicePresenceChanged(queryCondition: "tags.a = 1") { deletedDeviceIds } }'
const jobs = 'subscription { jobUpdated { jobId } }'
/** Begins a subscription, and waits until it listens, and has sent the first result. */
async function subscribe(socket: BareSocket, id: string, query: string): Promise<void> {
  const before = door.server.openStreams()
  socket.send({ id, type: 'subscribe', payload: { query } })
  await expect.poll(() => door.server.openStreams()).toBe(before + 1)
  if (query === presence) expect(await socket.next()).toMatchObject({ id, type: 'next', payload: { data: {} } })
}
const north = scopeOf(["tags.site = 'north'"])

test.each<[string, Partial<Parameters<typeof personWith>[0]>, readonly string[], object]>([
  ['without a right that one of two needs', { rights: ['readJobs'] }, ['devices'], { right: 'readTwins' }],
  ['without all rights', { rights: [] }, ['devices', 'jobs'], { right: 'readTwins' }],
  ['with a narrower scope', { scope: north }, ['devices', 'jobs'], { scope: "tags.site = 'north'" }],
])(
  'a renewal %s ends the subscriptions that need what is lost, and the socket stays',
  async (_how, changes, ids, missing) => {
    const socket = await connect(give('more', 20))
    await subscribe(socket, 'devices', presence)
    await subscribe(socket, 'jobs', jobs)
    socket.send({ type: 'ping', payload: { authorization: give('fewer', 20, changes) } })
    const messages: Record<string, unknown>[] = []
    while (messages.length < 2 * ids.length + 1) messages.push(await socket.next())
    const of = (id: string) => messages.filter((message) => message.id === id)
    for (const id of ids) {
      const error = { message: expect.any(String), extensions: { code: 'FORBIDDEN', missing: expect.any(Object) } }
      expect(of(id)).toEqual([
        { id, type: 'next', payload: { errors: [error] } },
        { id, type: 'complete' },
      ])
    }
    expect(of('devices')[0]).toMatchObject({ payload: { errors: [{ extensions: { missing } }] } })
    expect(messages).toContainEqual({ type: 'pong', payload: { expiresAt: expiresIn(20) } })
    expect(door.server.openStreams()).toBe(2 - ids.length)
    await expectOpen(socket)
  },
)

test('a renewal with fewer rights leaves a subscription that had null without them', async () => {
  const query = 'subscription { devicePresenceChanged { devices { authentication { symmetricKey { primaryKey } } } } }'
  const socket = await connect(give('first', 20))
  socket.send({ id: 's', type: 'subscribe', payload: { query } })
  expect(await socket.next()).toMatchObject({ id: 's', type: 'next' })
  expect(await ping(socket, { authorization: give('fewer', 20, { rights: ['readDevices'] }) })).toMatchObject({
    type: 'pong',
  })
  expect(door.server.openStreams()).toBe(1)
  await expectOpen(socket)
})

test.each<[string, Viewer | Error, string]>([
  ['another person', personWith({ rights: reader, name: 'berta' }), 'FORBIDDEN'],
  [
    'a person of the same name at another issuer',
    { ...personWith({ rights: reader }), id: 'https://b|anna' },
    'FORBIDDEN',
  ],
  ['nobody', new UnauthorizedError('The token is not good.'), 'UNAUTHORIZED'],
  ['an issuer that is unreachable', new IssuerUnavailableError(), 'SERVICE_UNAVAILABLE'],
  ['a database that is unreachable', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'SERVICE_UNAVAILABLE'],
])('a renewal with a token of %s is refused, and nothing changes', async (_case, viewer, code) => {
  const socket = await connect(give('first', 20))
  tokens.set('other', viewer)
  expect(await ping(socket, { authorization: 'other' })).toEqual({
    type: 'pong',
    payload: { expiresAt: expiresIn(20), error: { code, message: expect.any(String) } },
  })
  await expectOpen(socket)
  clock.advance(80_000)
  expect(await socket.closed).toEqual({ code: 4403, reason: 'TOKEN_EXPIRED' })
})

test('a credential that does not expire is null in the answer', async () => {
  const { expiry: _, ...unending } = personWith({ rights: reader })
  tokens.set('for ever', unending)
  expect(await ping(await connect(give('first', 20)), { authorization: 'for ever' })).toEqual({
    type: 'pong',
    payload: { expiresAt: null },
  })
})

test('before the socket is accepted, a token in a ping is neither checked nor repeated', async () => {
  const socket = await port.socket()
  give('first', 20)
  expect(await ping(socket, { authorization: 'first', other: 1 })).toEqual({ type: 'pong', payload: { other: 1 } })
})

test('pings without a token get their payload back', async () => {
  const socket = await connect(give('first', 20))
  expect(await ping(socket)).toEqual({ type: 'pong' })
  expect(await ping(socket, { a: 1 })).toEqual({ type: 'pong', payload: { a: 1 } })
})

test('many renewals at once wait for their turns, one per second, and further ones are refused', async () => {
  const socket = await connect(give('first', 20))
  for (let number = 0; number < mostRenewals + 5; number++) {
    socket.send({ type: 'ping', payload: { authorization: give(`token ${number}`, 100 + number) } })
  }
  const answers: unknown[] = []
  while (answers.length < mostRenewals + 5) {
    const next = socket.next()
    const pausing = setInterval(() => void pause(), 5)
    answers.push((await next).payload)
    clearInterval(pausing)
  }
  const refused = answers.filter((answer) => JSON.stringify(answer).includes('LIMIT_EXCEEDED'))
  expect(refused.length).toBeGreaterThan(0)
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(mostRenewals)
  await expectOpen(socket)
})
