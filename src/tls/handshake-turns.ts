import type { Server as TlsServer } from 'node:tls'
import type { Clock } from '../clock.ts'
import { networkOf } from '../limits/address-limits.ts'
import type { Arrivals } from '../limits/arrivals.ts'
import { peerAddress } from '../limits/peer-address.ts'

/** The type of a record of a handshake, and the bytes up to the end of its length. */
const handshakeRecord = 0x16
const headBytes = 5
/** Bytes that are read before the handshake begins: a record has at most 16 KB. */
const mostBytes = 17 * 1024

/**
 * Lets the handshakes of a TLS server begin one per turn of the event loop, each when the first message of its client has
 * arrived. The answer takes a millisecond or two, and the messages of a whole fleet can arrive in one turn. The addresses
 * alternate, so that a fleet behind one address does not delay clients of others. A client whose message waits for its
 * turn does not count as one that has not introduced itself, and if it gives up meanwhile it costs nothing more.
 * `timeout` is in milliseconds until the message has arrived; afterwards the server's own applies. Must be called before
 * the server has other listeners of `connection`.
 */
export function beginHandshakesInTurns(
  server: TlsServer,
  {
    clock,
    arrivals,
    timeout,
  }: {
    readonly clock: Pick<Clock, 'sleep' | 'giveWay'>
    readonly arrivals: Pick<Arrivals, 'introduced' | 'expectIntroduction'>
    readonly timeout: number
  },
): void {
  const listeners = server.listeners('connection')
  const alternate = createAlternation(clock)
  server.removeAllListeners('connection')
  server.on('connection', (socket) => {
    const network = networkOf(peerAddress(socket))
    /** Aborts when the message has arrived, or will not. */
    const waiting = new AbortController()
    let bytes = Buffer.alloc(0)
    let leave = (): void => {}
    const stop = (): void => {
      waiting.abort()
      leave()
      socket.off('readable', read).off('end', disconnected).off('close', disconnected)
    }
    const fail = (code: string): void => {
      stop()
      server.emit('tlsClientError', Object.assign(new Error('The client has sent no whole message.'), { code }), socket)
      socket.destroy()
    }
    const disconnected = (): void => fail('ECONNRESET')
    const begin = (): void => {
      stop()
      socket.unshift(bytes)
      arrivals.expectIntroduction(socket)
      for (const listener of listeners) Reflect.apply(listener, server, [socket])
    }
    const read = (): void => {
      if (bytes.length >= mostBytes) return
      for (let piece = socket.read(); piece !== null; piece = socket.read()) bytes = Buffer.concat([bytes, piece])
      if (waiting.signal.aborted || !isWhole(bytes)) return
      waiting.abort()
      arrivals.introduced(socket)
      leave = alternate(network, begin)
    }
    // The connection may break while nothing else listens to it.
    socket
      .on('readable', read)
      .on('end', disconnected)
      .on('close', disconnected)
      .on('error', () => {})
    void clock.sleep(timeout, waiting.signal).then(() => {
      if (!waiting.signal.aborted) fail('ERR_TLS_HANDSHAKE_TIMEOUT')
    })
  })
}

/** Whether the first record is complete. What is not a record of a handshake is left to the server to refuse. */
function isWhole(bytes: Buffer): boolean {
  if (bytes.length === 0 || (bytes[0] === handshakeRecord && bytes.length < headBytes)) return false
  return bytes[0] !== handshakeRecord || bytes.length >= headBytes + bytes.readUInt16BE(headBytes - 2)
}

/**
 * Does one piece of work per turn of the event loop. Networks with waiting work alternate. The returned function
 * withdraws the work.
 */
function createAlternation(clock: Pick<Clock, 'giveWay'>): (network: string, work: () => void) => () => void {
  /** The waiting work of each network. That of the first network comes next. */
  const lines = new Map<string, Set<() => void>>()
  let isAtWork = false
  const takeNext = (): (() => void) | undefined => {
    const [first] = lines
    if (first === undefined) return undefined
    const [network, line] = first
    const [work] = line
    lines.delete(network)
    if (work === undefined) return undefined
    line.delete(work)
    if (line.size > 0) lines.set(network, line)
    return work
  }
  const workInTurns = async (): Promise<void> => {
    isAtWork = true
    await clock.giveWay()
    for (let work = takeNext(); work !== undefined; work = takeNext()) {
      work()
      await clock.giveWay()
    }
    isAtWork = false
  }
  return (network, work) => {
    const line = lines.get(network) ?? new Set()
    line.add(work)
    lines.set(network, line)
    if (!isAtWork) void workInTurns()
    return () => {
      line.delete(work)
      if (line.size === 0 && lines.get(network) === line) lines.delete(network)
    }
  }
}
