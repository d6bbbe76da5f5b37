import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer, type Server } from 'node:tls'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { beginHandshakesInTurns } from '../../src/tls/handshake-turns.ts'

let pem: { cert: string; key: string }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
})

const ends: (() => unknown)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A server whose turns of the event loop are given one by one. */
async function serve() {
  const order: string[] = []
  const turns: (() => void)[] = []
  const clock = { sleep: systemClock.sleep, giveWay: () => new Promise<void>((resolve) => turns.push(resolve)) }
  const note = (what: string) => (socket: Socket) => order.push(`${what} ${socket.remoteAddress}`)
  const server: Server = createServer(pem, (socket) => {
    order.push(`secure ${socket.remoteAddress}`)
    socket.on('error', () => {}).end('hello')
  })
  const arrivals = { introduced: note('arrived'), expectIntroduction: note('begun') }
  beginHandshakesInTurns(server, { clock, arrivals, timeout: 60_000 })
  server.on('tlsClientError', (error) => order.push(`failed ${'code' in error ? error.code : ''}`))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  ends.push(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    port,
    order,
    of: (what: string) => order.filter((each) => each.startsWith(what)),
    connectSecurely(localAddress: string) {
      const socket = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {})
      connectTls({ socket, rejectUnauthorized: false }).on('error', () => {})
      ends.push(() => socket.destroy())
      return socket
    },
    /** The next turn. */
    async turn() {
      await expect.poll(() => turns.length).toBe(1)
      turns.pop()?.()
    },
  }
}

test('handshakes begin one per turn, and addresses alternate', async () => {
  const { connectSecurely, of, turn } = await serve()
  const crowd = '127.0.0.2'
  for (let count = 0; count < 3; count++) connectSecurely(crowd)
  await expect.poll(() => of('arrived')).toHaveLength(3)
  connectSecurely('127.0.0.3')
  await expect.poll(() => of('arrived')).toHaveLength(4)
  expect(of('begun')).toEqual([])
  const expected = [crowd, '127.0.0.3', crowd, crowd].map((address) => `secure ${address}`)
  for (let count = 1; count <= 4; count++) {
    await turn()
    await expect.poll(() => of('secure')).toEqual(expected.slice(0, count))
    expect(of('begun')).toHaveLength(count)
  }
})

test('a client that gives up while it waits for its turn delays nobody', async () => {
  const { connectSecurely, of, order, turn } = await serve()
  const gone = connectSecurely('127.0.0.2')
  await expect.poll(() => of('arrived')).toHaveLength(1)
  gone.destroy()
  await expect.poll(() => of('failed')).toEqual(['failed ECONNRESET'])
  connectSecurely('127.0.0.3')
  await expect.poll(() => of('arrived')).toHaveLength(2)
  await turn()
  await expect.poll(() => of('secure')).toEqual(['secure 127.0.0.3'])
  expect(order).not.toContain('begun 127.0.0.2')
})

test('a message that arrives in parts is waited for, and what is not TLS is refused', async () => {
  const { port, of, turn } = await serve()
  const parts = connect(port, '127.0.0.1').on('error', () => {})
  ends.push(() => parts.destroy())
  await once(parts, 'connect')
  parts.write(Buffer.of(0x16, 3, 1, 0, 4, 1))
  const plain = connect(port, '127.0.0.1').on('error', () => {})
  plain.write('GET / HTTP/1.1\r\n\r\n')
  await turn()
  await expect.poll(() => of('failed')).toEqual([expect.stringMatching(/HTTP_REQUEST$/)])
  await turn()
  expect(of('arrived')).toHaveLength(1)
  parts.write(Buffer.alloc(3))
  await expect.poll(() => of('arrived')).toHaveLength(2)
})
