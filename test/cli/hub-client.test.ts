import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { HubRefusedError, HubUnreachableError } from '../../src/cli/hub-errors.ts'
import { ReadKeysDocument, WatchJobDocument } from '../../src/generated/commands/graphql.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A client of a server that answers so. */
async function clientOf(body: string, onRequest: (request: IncomingMessage, body: string) => void = () => {}) {
  const server = createServer(async (request, response) => {
    onRequest(request, await text(request))
    response.end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const client = createHubClient({ url: `http://127.0.0.1:${port}/graphql`, authorization: 'SharedAccessSignature x' })
  closers.push(
    () => client.close(),
    () => server.close(),
  )
  return client
}

const variables = { queryCondition: '*', first: 1 }

test('a request carries the document, its variables and the token', async () => {
  let seen: unknown
  const client = await clientOf('{"data":{"devices":{"nodes":[]}}}', (request, body) => {
    seen = { token: request.headers.authorization, ...JSON.parse(body) }
  })
  await expect(client.execute(ReadKeysDocument, variables)).resolves.toEqual({ devices: { nodes: [] } })
  expect(seen).toEqual({ token: 'SharedAccessSignature x', query: ReadKeysDocument.toString(), variables })
})

test("the hub's first error is thrown with its code", async () => {
  const client = await clientOf('{"errors":[{"message":"No.","extensions":{"code":"UNAUTHORIZED"}}]}')
  await expect(client.execute(ReadKeysDocument, variables)).rejects.toThrow(new HubRefusedError('UNAUTHORIZED', 'No.'))
})

test.each(['<html>', 'null', '{"error":"not found"}'])('an answer %s is not that of a hub', async (body) => {
  const client = await clientOf(body)
  await expect(client.execute(ReadKeysDocument, variables)).rejects.toThrow(HubUnreachableError)
})

test('where nobody listens, the reason is the cause', async () => {
  const client = createHubClient({ url: 'http://127.0.0.1:9/graphql' })
  closers.push(() => client.close())
  await expect(client.execute(ReadKeysDocument, variables)).rejects.toMatchObject({
    name: 'HubUnreachableError',
    cause: { code: 'ECONNREFUSED' },
  })
})

test.each([
  ['a token that has expired ends a subscription', 4403, 'TOKEN_EXPIRED', 'token', 'TOKEN_EXPIRED'],
  ['so does one that is refused for good', 4401, 'TOKEN_INVALID', 'token', 'TOKEN_INVALID'],
  ['and the lack of one', 4401, 'Unauthorized', 'token', 'UNAUTHORIZED'],
  ['also when each connection gets a new token', 4401, 'TOKEN_INVALID', () => 'token', 'TOKEN_INVALID'],
  ['one that expires is followed by a new one there', 4403, 'TOKEN_EXPIRED', () => 'token', undefined],
  ['and a connection with other rights by another', 4403, 'rights changed', 'token', undefined],
])('%s (%d %s)', async (_what, code, reason, authorization, expected) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (socket) => socket.once('message', () => socket.close(code, reason)))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const client = createHubClient({ url: `http://127.0.0.1:${port}/graphql`, authorization })
  closers.push(
    () => client.close(),
    () => server.close(),
  )
  const updates = client.subscribe(WatchJobDocument, { jobId: 'reboot' })[Symbol.asyncIterator]()
  const refusal = expected === undefined ? { name: 'HubUnreachableError' } : { name: 'HubRefusedError', code: expected }
  await expect(updates.next()).rejects.toMatchObject(refusal)
})
