import type { WebSocket } from 'ws'
import type { Clock } from '../../clock.ts'
import type { DeduplicatedLog } from '../../log/deduplicated-log.ts'
import { inTurns } from '../live/standing.ts'

/** Milliseconds between pings. A client that has not answered one when the next is due counts as disconnected. */
const interval = 12_000

/**
 * Logs a connection that was terminated without a close code that its client could read: the reason and the address.
 */
export type LogCutOff = DeduplicatedLog<{ readonly reason: string; readonly address: string }>

/** What is known of an open connection. `isHeld`: the hub does not read from it now, so no answer to a ping arrives. */
type Sign = { readonly address: string; isAlive: boolean; isHeld: boolean; waiting: number }

/**
 * Terminates connections whose clients have disappeared without closing them. While the hub does not read from a client,
 * the client counts as alive as long as it takes some of the waiting bytes. A close code would wait behind the unread
 * bytes, so the reason is logged instead. All connections share one timer, because thousands may be open.
 */
export function createKeepAlive(clock: Clock, log: LogCutOff) {
  const signs = new Map<WebSocket, Sign>()
  const closing = new AbortController()
  let isRunning = false

  const judge = ([socket, sign]: readonly [WebSocket, Sign]): void => {
    if (sign.isHeld) return
    const takesSome = socket.isPaused && socket.bufferedAmount < sign.waiting
    if (!sign.isAlive && !takesSome) {
      const reason =
        socket.bufferedAmount > 0 ? 'the client does not read what was sent' : 'the client does not answer pings'
      log({ reason, address: sign.address })
      socket.terminate()
      return
    }
    sign.isAlive = false
    sign.waiting = socket.bufferedAmount
    socket.ping()
  }
  const run = async (): Promise<void> => {
    isRunning = true
    while (signs.size > 0) {
      await clock.sleep(interval, closing.signal)
      if (closing.signal.aborted) return
      await inTurns(clock, signs, judge)
    }
    isRunning = false
  }
  // The same function for all sockets.
  function noteAnswer(this: WebSocket): void {
    const sign = signs.get(this)
    if (sign !== undefined) sign.isAlive = true
  }

  return {
    /** Watches a connection that was just opened, until `forget`. */
    watch(socket: WebSocket, address: string): void {
      signs.set(socket, { address, isAlive: true, isHeld: false, waiting: 0 })
      socket.on('pong', noteAnswer)
      if (!isRunning) void run()
    },
    /** The hub waits before it reads on, whatever the client does. The client counts as alive until the returned function is called. */
    hold(socket: WebSocket): () => void {
      const sign = signs.get(socket)
      if (sign === undefined) return () => {}
      sign.isHeld = true
      return () => {
        sign.isHeld = false
        sign.isAlive = true
      }
    },
    forget: (socket: WebSocket): boolean => signs.delete(socket),
    close: (): void => closing.abort(),
  }
}
