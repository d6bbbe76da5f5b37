import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCompress } from '../../../src/graphql/transport/compress.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort } from './sockets.ts'

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 50)
  port = await openPort(door)
})
afterAll(async () => {
  await port.close()
  await door.close()
})

type Response = { readonly headers: IncomingHttpHeaders; readonly body: Buffer }

/** The response as it is sent. `fetch` would hide how. */
async function responseTo(query: string, headers: Record<string, string> = {}): Promise<Response> {
  const sent = request(port.url.replace(/^ws/, 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  })
  sent.end(JSON.stringify({ query }))
  const [response] = await once(sent, 'response')
  return { headers: response.headers, body: await buffer(response) }
}

const devices = '{ devices(first: 50) { nodes { id deviceId status connectionState etag } } }'
const gzip = { 'accept-encoding': 'deflate, gzip' }

test('a client that accepts gzip gets the same response in fewer bytes', async () => {
  const plain = await responseTo(devices)
  const packed = await responseTo(devices, gzip)
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': `${packed.body.length}` })
  expect(packed.body.length).toBeLessThan(plain.body.length / 4)
  expect(gunzipSync(packed.body)).toEqual(plain.body)
})

test.each([
  ['does not accept gzip', devices, { 'accept-encoding': 'br' }],
  ['refuses gzip', devices, { 'accept-encoding': 'gzip;q=0, *' }],
  ['gets less than a packet', '{ __typename }', gzip],
  // The length would tell how much of a key equals the text beside it.
  [
    'may get the keys of devices',
    `{ devices(first: 50) { nodes { deviceId authentication { symmetricKey { primaryKey } } } } }`,
    gzip,
  ],
])('a client that %s gets it as it is', async (_, query, headers) => {
  const { headers: sent, body } = await responseTo(query, headers)
  expect(sent['content-encoding']).toBeUndefined()
  expect(JSON.parse(body.toString())).not.toHaveProperty('errors')
})

test('a large response is compressed, too, unless many others are', async () => {
  const compress = createCompress()
  const body = Buffer.alloc(100_000, 'a large response ')
  const packed = await Promise.all(Array.from({ length: 20 }, () => compress(body, 'gzip')))
  const sent = packed.map((bytes) => bytes && gunzipSync(bytes).equals(body))
  expect(sent).toEqual([...Array<boolean>(16).fill(true), ...Array<undefined>(4).fill(undefined)])
  expect(await compress(body, 'gzip')).toBeDefined()
})
