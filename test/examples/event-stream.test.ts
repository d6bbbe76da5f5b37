import { createServer, type ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { followEvents } from '../../examples/clients/event-stream.ts'
import { fixedSession } from '../../examples/clients/session.ts'
import { openPort } from '../../src/open-port.ts'

test.each([
  ['an error of a field', { data: { status: null }, errors: [{ message: 'no right' }] }, 'no right'],
  ['a fault of the program that takes the data', { data: { status: 'RUNNING' } }, 'cannot show'],
])('%s ends the stream and its connection', async (_what, result, message) => {
  let response: ServerResponse | undefined
  const server = createServer((_request, given) => {
    response = given.writeHead(200, { 'content-type': 'text/event-stream' })
    given.write(`event: next\ndata: ${JSON.stringify(result)}\nid: 1\n\n`)
  })
  const { port } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  const hub = { url: `http://127.0.0.1:${port}/graphql`, session: fixedSession(undefined) }
  const followed = followEvents(hub, { query: 'subscription { status }', variables: {} }, () => {
    throw new Error('cannot show')
  })
  await expect(followed).rejects.toThrow(message)
  await expect.poll(() => response?.closed).toBe(true)
  server.close()
})
