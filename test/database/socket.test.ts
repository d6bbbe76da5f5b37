import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openSocket, readIn, readInTurns } from '../../src/database/socket.ts'

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

test('a result is read in turns that are given for it, up to a hundred of them, and the next one is not', async () => {
  const sent = Buffer.alloc(16 * 1024 * 1024, 'a result of many rows ')
  const server = createServer((connection) => connection.on('data', () => connection.write(sent)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const socket = openSocket(new Set())
  readInTurns(socket)
  const read = async (): Promise<void> => {
    let left = sent.length
    socket.write('a statement')
    while (left > 0) {
      const [chunk]: Buffer[] = await once(socket, 'data')
      left -= chunk?.length ?? left
    }
  }
  try {
    let turns = 0
    const giveWay = () => {
      turns++
      return systemClock.giveWay()
    }
    socket.connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
    await readIn(socket, { giveWay }, read)
    expect(turns).toBe(100)
    await read()
    expect(turns).toBe(100)
  } finally {
    socket.destroy()
    server.close()
  }
})
