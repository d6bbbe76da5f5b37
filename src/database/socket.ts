import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Turns } from '../clock.ts'

/** Bytes that Node reads at a time. When there are fewer, it reads no more in this turn of the event loop. */
const readBytes = 64 * 1024
/** Reads of so many bytes in one turn. Decoding what they bring takes less than a millisecond. */
const readsPerTurn = 2

/** Turns in which a result is read with pauses. A longer one is read on without them: its statement has a time limit. */
const pacedTurns = 100

/** The turns in which the result is read that is under way on a socket. Others are read without pauses. */
const turnsOn = new WeakMap<Duplex, Turns>()

/** Kept so that it can be destroyed: a graceful close of a connection needs an answer. */
export function openSocket(sockets: Set<net.Socket>): net.Socket {
  const socket = new net.Socket()
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}

/**
 * Gives way to other work while a long result is read. Node reads up to 32 times at once, which would take ten milliseconds. Not
 * for `COPY`, whose stream must be the only reader of its socket.
 */
export function readInTurns(socket: net.Socket): void {
  let reads = 0
  socket.on('data', (chunk: Buffer) => {
    if (chunk.length < readBytes) return
    if (reads === 0) {
      const readOn = (): void => {
        reads = 0
        if (socket.isPaused()) socket.resume()
      }
      const turns = turnsOn.get(socket)
      if (turns === undefined) setImmediate(readOn)
      else void turns.giveWay().then(readOn)
    }
    reads++
    if (reads === readsPerTurn) socket.pause()
  })
}

/** Reads from a socket in these turns, where it is read in turns. */
export async function readIn<T>(socket: Duplex, turns: Turns, read: () => Promise<T>): Promise<T> {
  let left = pacedTurns
  const giveWay = (): Promise<void> => {
    if (--left === 0) turnsOn.delete(socket)
    return turns.giveWay()
  }
  turnsOn.set(socket, { giveWay })
  try {
    return await read()
  } finally {
    turnsOn.delete(socket)
  }
}
