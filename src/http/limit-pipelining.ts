import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'

/** The requests of one connection, which are read no faster than they are answered. */
export type Pipeline = {
  /**
   * Counts a request until its answer has been sent. If anybody may send it, and more was sent with it, that is parsed a
   * millisecond later: no limit of a caller bounds the time that the hub spends on these.
   */
  add(response: ServerResponse, isForAll: boolean): void
  readonly unanswered: ReadonlySet<ServerResponse>
  /** Hands the connection over to another protocol, and returns the bytes that were read but not parsed. */
  release(): Buffer
}

const headEnd = '\r\n\r\n'
/**
 * Minimum number of bytes that are parsed in one turn of the event loop: one request or two, so that line ends alone do
 * not take a turn each.
 */
const minPiece = 64
/** Milliseconds after a request that anybody may send: most take a fraction of one. */
export const restAfterOpen = 1

/**
 * Bounds what a client gains by sending requests without waiting for the answers. Node parses everything that one read
 * returned, which can be thousands of requests. Here the parser gets the bytes in pieces that end where a head ends,
 * one per turn of the event loop. They wait while `maxUnanswered` requests are under way or the client does not read.
 * So a request of another client, which takes several turns, waits in each of them for one of this client's requests
 * and not for all of them.
 */
export function limitPipelining(socket: Duplex, maxUnanswered: number, { sleep }: Pick<Clock, 'sleep'>): Pipeline {
  const unanswered = new Set<ServerResponse>()
  let unparsed: Buffer[] = []
  let held = false
  // Node's own listeners for incoming bytes.
  const parsers = socket.listeners('data')

  let rests = false
  const mayParse = (): boolean => unanswered.size < maxUnanswered && !socket.writableNeedDrain && !rests
  const parse = (piece: Buffer): void => {
    for (const parser of parsers) parser.call(socket, piece)
  }
  const pump = (): void => {
    // Node paused it, and will resume it.
    if (socket.isPaused()) return
    const chunk = unparsed[0]
    if (chunk !== undefined && mayParse()) {
      const found = chunk.indexOf(headEnd, minPiece - headEnd.length, 'latin1')
      const end = found < 0 ? chunk.length : found + headEnd.length
      // Removed first: an upgrade happens in the middle of parsing, and takes the rest.
      if (end < chunk.length) unparsed[0] = chunk.subarray(end)
      else unparsed.shift()
      parse(end < chunk.length ? chunk.subarray(0, end) : chunk)
    }
    if (unparsed.length === 0 || socket.isPaused()) return
    held = true
    socket.pause()
    setImmediate(goOn)
  }
  let waiting = false
  /** Others have their turn before more of this client's requests. */
  const pumpLater = (): void => {
    if (waiting || unparsed.length === 0) return
    waiting = true
    setImmediate(() => {
      waiting = false
      if (!socket.destroyed) pump()
    })
  }
  const onData = (chunk: Buffer): void => {
    // Waiting bytes are continued by the event that they wait for.
    if (unparsed.push(chunk) === 1) pump()
  }
  const goOn = (): void => {
    if (!held || socket.destroyed || !mayParse()) return
    held = false
    // It emits 'resume', as Node does when the client has read a large answer.
    socket.resume()
  }
  const rest = async (): Promise<void> => {
    if (rests) return
    rests = true
    await sleep(restAfterOpen)
    rests = false
    goOn()
  }
  socket.removeAllListeners('data')
  socket.on('data', onData)
  socket.on('resume', pumpLater)
  const onClose = (): void => {
    unparsed = []
    for (const response of unanswered) {
      // Node closes only the response whose turn it was.
      if (response.socket !== null) continue
      response.destroy()
      response.emit('close')
    }
    unanswered.clear()
  }
  socket.on('close', onClose)

  return {
    unanswered,
    add(response, isForAll) {
      if (isForAll && unparsed.length > 0) void rest()
      unanswered.add(response)
      const forget = (): void => {
        if (unanswered.delete(response)) goOn()
      }
      response.once('finish', forget)
      response.once('close', forget)
    },
    release() {
      socket.off('data', onData)
      socket.off('resume', pumpLater)
      // Nothing of the pipeline is kept for as long as the other protocol lasts.
      if (unanswered.size === 0) socket.off('close', onClose)
      const left = Buffer.concat(unparsed)
      unparsed = []
      return left
    },
  }
}
