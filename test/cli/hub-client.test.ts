import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { HubRefusedError, HubUnreachableError } from '../../src/cli/hub-errors.ts'
import { ReadKeysDocument } from '../../src/generated/commands/graphql.ts'

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
