import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { type BareSocket, type OpenPort, openPort, until } from './transport/sockets.ts'

// Requests that are under way for long, with texts of 60 KB and a room for ten of them.

const text = 'x'.repeat(60_000)
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ limits: { requestBytes: 10 * (text.length + 500) } })
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const refused = { code: 'LIMIT_EXCEEDED' }
const following = { query: `subscription { twinUpdated(deviceId: "pump-0001") { version } } # ${text}` }
const open = async (): Promise<BareSocket> => {
  const socket = await port.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  return socket
}
const follow = (socket: BareSocket, id: string) => {
  socket.send({ id, type: 'subscribe', payload: following })
  return socket.next()
}

test('operations of all WebSockets of a caller have one room, and leave it when they are over', async () => {
  const [one, other] = [await open(), await open()]
  for (let index = 0; index < 5; index++) expect(await follow(one, `${index}`)).toMatchObject({ type: 'next' })
  for (let index = 0; index < 5; index++) expect(await follow(other, `${index}`)).toMatchObject({ type: 'next' })
  const payload = [{ extensions: { ...refused, limit: 'requestBytes' } }]
  expect(await follow(other, 'more')).toMatchObject({ id: 'more', type: 'error', payload })
  one.send({ id: '0', type: 'complete' })
  await until(() => door.server.openStreams() === 9)
  expect(await follow(other, 'more')).toMatchObject({ id: 'more', type: 'next' })
})

test('a WebSocket that is closed leaves no operation behind in the room', async () => {
  for (let turn = 0; turn < 2; turn++) {
    const socket = await open()
    for (let index = 0; index < 10; index++) expect(await follow(socket, `${index}`)).toMatchObject({ type: 'next' })
    socket.raw.terminate()
    await until(() => door.server.openStreams() === 0)
  }
})

const post = (length: number): string =>
  `POST /graphql HTTP/1.1\r\nHost: ${new URL(port.url).host}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

test('bodies over HTTP that do not come whole take room from when they are announced until their client goes', async () => {
  const slow: Socket[] = []
  const url = port.url.replace('ws:', 'http:')
  const ask = (query: string) =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })
  const { port: number } = new URL(port.url)
  for (let index = 0; index < 10; index++) {
    const socket = connect(Number(number), '127.0.0.1')
    slow.push(socket)
    socket.write(post(text.length))
  }
  const large = () => ask(`{ __typename } # ${text}`)
  await expect.poll(async () => (await large()).status).toBe(429)
  const answer = await large()
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1'])
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: refused }] })
  expect((await ask('{ __typename }')).status).toBe(200)
  for (const socket of slow) socket.destroy()
  await until(() => port.connections.slice(0, slow.length).every(({ closed }) => closed))
  expect((await large()).status).toBe(200)
})
