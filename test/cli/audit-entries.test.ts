import * as http from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { auditEntries } from '../../src/cli/audit-entries.ts'
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

const never = new AbortController().signal

/** All entries of a hub. */
async function entriesOf(url: string, filter = {}, signal = never): Promise<readonly unknown[]> {
  const entries: unknown[] = []
  for await (const entry of auditEntries({ url, authorization: 'Bearer x' }, filter, signal)) entries.push(entry)
  return entries
}

test('the entries are read in their order, and the filter is in the address', async () => {
  const requests: unknown[] = []
  const url = await serve((request, response) => {
    requests.push([request.url, request.headers.authorization])
    // A line may arrive in parts, and a character too.
    const bytes = Buffer.from('{"id":"2","actor":"Zoë"}\n{"id":"1"}\n')
    const middle = bytes.indexOf('ë') + 1
    response.write(bytes.subarray(0, middle), () => response.end(bytes.subarray(middle)))
  })
  const filter = {
    from: '2026-11-01',
    to: '2026-12-01',
    actor: 'Anna & co',
    target: 'pump-1',
    operation: ['updateTwin', 'readKeys'],
    outcome: ['REFUSED', 'DENIED'],
  }
  expect(await entriesOf(url, filter)).toEqual([{ id: '2', actor: 'Zoë' }, { id: '1' }])
  const query =
    'from=2026-11-01&to=2026-12-01&actor=Anna+%26+co&target=pump-1' +
    '&operation=updateTwin&operation=readKeys&outcome=REFUSED&outcome=DENIED'
  expect(requests).toEqual([[`/audit?${query}`, 'Bearer x']])
})

test('a refusal has the message of the hub', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(403)
    response.end(JSON.stringify({ errors: [{ message: 'No right.', extensions: { code: 'FORBIDDEN' } }] }))
  })
  await expect(entriesOf(url)).rejects.toMatchObject({
    name: 'HubRefusedError',
    code: 'FORBIDDEN',
    message: 'No right.',
  })
})

test('another server is not taken for a hub', async () => {
  const url = await serve((_request, response) => response.writeHead(404).end('not found'))
  await expect(entriesOf(url)).rejects.toThrow('is not a hub that has an audit')
})

test('an export that breaks off is not complete', async () => {
  const url = await serve((_request, response) => {
    response.write('{"id":"2"}\n', () => response.destroy())
  })
  await expect(entriesOf(url)).rejects.toThrow('The export ended early and is not complete.')
})

test('an export that is stopped ends', async () => {
  const stop = new AbortController()
  const url = await serve((_request, response) => {
    response.write('{"id":"2"}\n', () => stop.abort())
  })
  await expect(entriesOf(url, {}, stop.signal)).rejects.toThrow()
})
