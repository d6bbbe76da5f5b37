import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { networkIn } from '../../../src/limits/client-address.ts'
import { serveMount } from '../../http/serve.ts'
import { openDoor } from '../door.ts'

const bad = { authorization: 'SharedAccessSignature sr=x&sig=y&se=1&skn=z' }

test.each([
  ['a trusted proxy is logged with the address of its client', '127.0.0.1', '198.51.100.4'],
  ['another client is logged with its own address, whatever it claims', '127.0.0.9', '127.0.0.1'],
])('a refused token of %s', async (_what, trusted, address) => {
  const door = await openDoor({ anonymous: undefined, logLevel: 'info' })
  const served = await serveMount(door.server, {}, [networkIn(trusted) ?? expect.fail()])
  const headers = { 'x-forwarded-for': '203.0.113.9, 198.51.100.4' }
  const addresses = () => door.logged.map((line) => line.address)

  const response = await fetch(`${served.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers, ...bad },
    body: '{"query":"{ __typename }"}',
  })
  expect(response.status).toBe(401)
  expect(addresses()).toEqual([address])

  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { ...headers, origin: 'https://evil.example' },
  })
  socket.on('error', () => {})
  await once(socket, 'unexpected-response')
  expect(addresses()).toEqual([address, address])
  socket.terminate()
  await served.close()
  await door.close()
})
