import * as http from 'node:http'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { type AuditFilter, exportAudit } from '../../src/cli/export-audit.ts'
import { openPort } from '../../src/open-port.ts'

const servers: http.Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** The address of a server that answers like this. */
async function serve(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer)
  servers.push(server)
  const { port } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${port}/graphql`
}

const all: AuditFilter = { from: undefined, to: undefined, actor: undefined, operations: [] }
const never = new AbortController().signal

test('the answer is written as it comes, and the filter is in the address', async () => {
  const requests: unknown[] = []
  const url = await serve((request, response) => {
    requests.push([request.url, request.headers.authorization])
    response.end('{"id":"2"}\n{"id":"1"}\n')
  })
  const out = new PassThrough()
  const filter = { from: '2026-11-01', to: '2026-12-01', actor: 'Anna & co', operations: ['updateTwin', 'readKeys'] }
  await exportAudit({ url, authorization: 'Bearer x' }, filter, out, never)
  expect(await text(out.end())).toBe('{"id":"2"}\n{"id":"1"}\n')
  expect(requests).toEqual([
    ['/audit?from=2026-11-01&to=2026-12-01&actor=Anna+%26+co&operation=updateTwin&operation=readKeys', 'Bearer x'],
  ])
})

test('a refusal has the message of the hub', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(403)
    response.end(JSON.stringify({ errors: [{ message: 'No right.', extensions: { code: 'FORBIDDEN' } }] }))
  })
  await expect(exportAudit({ url }, all, new PassThrough(), never)).rejects.toMatchObject({
    name: 'HubRefusedError',
    code: 'FORBIDDEN',
    message: 'No right.',
  })
})

test('another server is not taken for a hub', async () => {
  const url = await serve((_request, response) => response.writeHead(404).end('not found'))
  await expect(exportAudit({ url }, all, new PassThrough(), never)).rejects.toThrow('is not a hub that has an audit')
})

test('an export that breaks off is not complete', async () => {
  const url = await serve((_request, response) => {
    response.write('{"id":"2"}\n', () => response.destroy())
  })
  const out = new PassThrough()
  out.resume()
  await expect(exportAudit({ url }, all, out, never)).rejects.toThrow('The export ended early and is not complete.')
})

test('an export that is stopped ends with the reason', async () => {
  const stop = new AbortController()
  const url = await serve((_request, response) => {
    response.write('{"id":"2"}\n', () => stop.abort(new Error('Stopped.')))
  })
  const out = new PassThrough()
  out.resume()
  await expect(exportAudit({ url }, all, out, stop.signal)).rejects.toThrow('Stopped.')
})
