import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { openPort } from '../src/open-port.ts'

const count = 1_000

/** Whether the system lets so many connections wait to be accepted. */
function hasRoom(): boolean {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1')) > count
  } catch {
    return false
  }
}

test.runIf(hasRoom())('of clients that come all at once, none has to knock again while others are let in', async () => {
  const accepted: Socket[] = []
  const server = createServer((socket) => accepted.push(socket))
  const { port } = await openPort(server, { variable: 'TEST_PORT', host: '127.0.0.1', port: 0 })
  const established: number[] = []
  const open = async (name: number): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    established.push(name)
    return socket
  }
  // None is accepted before all have asked, for this program does both.
  const crowd = Array.from({ length: count }, (_, name) => open(name))
  await crowd[0]
  const late = await open(count)
  // A system drops those for whom there is no room, and their clients ask again after a second.
  expect(established).toHaveLength(count + 1)
  for (const socket of [late, ...(await Promise.all(crowd)), ...accepted]) socket.destroy()
  server.close()
  await once(server, 'close')
})
