import { createServer, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refreshTokens } from '../../../src/console/hub/open-id.ts'
import { openPort } from '../../../src/open-port.ts'

let answer: (response: ServerResponse) => void
const server = createServer((_request, response) => answer(response))
let issuer: string
beforeAll(async () => {
  const { port } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  issuer = `http://127.0.0.1:${port}`
})
afterAll(() => server.close())

const refresh = () =>
  refreshTokens(
    { issuer, clientId: 'page', audiences: ['hub'], provider: { issuer, token_endpoint: `${issuer}/token` } },
    'a refresh token',
  )

test('a provider that does not accept the console as its client is not asked again', async () => {
  answer = (response) => response.writeHead(401, { 'www-authenticate': 'Basic error="invalid_client"' }).end()
  await expect(refresh()).rejects.toMatchObject({
    message: 'The provider does not accept the console as its client: invalid_client.',
    isTemporary: false,
  })
})

test('a provider that refuses to renew is asked again only after an error of its own', async () => {
  for (const [status, isTemporary] of [
    [400, false],
    [503, true],
  ] as const) {
    answer = (response) => response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"x"}')
    await expect(refresh()).rejects.toMatchObject({ isTemporary })
  }
})
