import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { openSocket, readInTurns } from '../../src/database/socket.ts'

test('other work has its turn while a long result is read, which arrives whole and in order', async () => {
  const sent = Buffer.alloc(4 * 1024 * 1024, 'a result of many rows ')
  const server = createServer((connection) => connection.end(sent))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const socket = openSocket(new Set())
  readInTurns(socket)
  try {
    const received: Buffer[] = []
    /** Bytes since other work had its turn. */
    let since = 0
    let most = 0
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk)
      if (since === 0) {
        setImmediate(() => {
          since = 0
        })
      }
      since += chunk.length
      most = Math.max(most, since)
    })
    socket.connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
    await once(socket, 'end')
    expect(Buffer.concat(received).equals(sent)).toBe(true)
    expect(most).toBeLessThanOrEqual(256 * 1024)
  } finally {
    socket.destroy()
    server.close()
  }
})
