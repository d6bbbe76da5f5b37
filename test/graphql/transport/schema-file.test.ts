import { readFile } from 'node:fs/promises'
import * as http from 'node:http'
import { resolve } from 'node:path'
import type { GraphQLError } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../../src/graphql/schema.ts'
import { createCompress } from '../../../src/graphql/transport/compress.ts'
import { createSchemaFile } from '../../../src/graphql/transport/schema-file.ts'
import { openPort } from '../../../src/open-port.ts'
import { owner, viewerOf } from '../door.ts'

const serve = async (trustedDocumentsOnly: boolean) => {
  const send = createSchemaFile(schema, {
    authenticate: async (authorization) => (authorization === 'device' ? viewerOf('device') : owner),
    compress: createCompress(),
    trustedDocumentsOnly,
  })
  const server = http.createServer((request, response) => {
    send(request, response).catch((error: GraphQLError) => response.writeHead(403).end(JSON.stringify(error)))
  })
  const { port } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  servers.push(server)
  return `http://127.0.0.1:${port}`
}
const servers: http.Server[] = []
let url: string
let text: string
beforeAll(async () => {
  url = await serve(false)
  text = await readFile(resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8')
})
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

test('the schema is that of the repository, compressed for clients that accept it', async () => {
  const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } })
  expect(response.headers.get('content-encoding')).toBe('gzip')
  expect(Number(response.headers.get('content-length'))).toBeLessThan(text.length / 3)
  expect(await response.text()).toBe(text)
  const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, text])
})

test('who has the schema is told that it is the same, and HEAD is enough to ask', async () => {
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  const etag = head.headers.get('etag') ?? ''
  for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
    const response = await fetch(url, { headers: { 'if-none-match': known } })
    expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', etag])
  }
  expect((await fetch(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
})

test('devices, which may not introspect, do not get the schema, and nobody does where only trusted documents run', async () => {
  const refused = await fetch(url, { headers: { authorization: 'device' } })
  expect([refused.status, await refused.json()]).toEqual([
    403,
    expect.objectContaining({ extensions: { code: 'FORBIDDEN', missing: { right: 'readJobs' } } }),
  ])
  const closed = await fetch(await serve(true))
  expect([closed.status, await closed.text()]).toEqual([403, expect.stringContaining('TRUSTED_DOCUMENTS_ONLY')])
})
