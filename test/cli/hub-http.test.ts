import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createHubHttp } from '../../src/cli/hub-http.ts'

test('a connection that is reset in the middle of a response is an error of that response only', async () => {
  let connection: Socket | undefined
  const server = createServer((request, response) => {
    connection = request.socket
    response.write('{"data":')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/graphql`
  const http = createHubHttp(url, undefined)
  try {
    const body = text(await http.open(url, { headers: {} }))
    // The socket reports it to the request, too, which nobody waits for any more.
    connection?.resetAndDestroy()
    await expect(body).rejects.toMatchObject({ code: 'ECONNRESET' })
  } finally {
    http.close()
    server.close()
  }
})
