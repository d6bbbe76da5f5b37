import { CloseCode } from 'graphql-ws'
import { isDeeper } from '../../json/json.ts'
import { maxInputDepth } from '../limits.ts'

/** Messages that only a server sends: from a client they are no part of the protocol. */
const serverOnly: readonly unknown[] = ['connection_ack', 'next', 'error']

/** What comes in on one WebSocket. */
export type SocketInbox = {
  take(text: string): void
  /** Aborts when the operation of this id has ended, the client has completed it, or has gone. */
  signalOf(id: string): AbortSignal | undefined
  /** The client has gone. */
  close(): void
}

/** The room that operations take as long as they are under way, or wait to begin. */
export type OperationRoom = {
  /** Takes room for so many characters until the function that this answers is called; undefined: there is none. */
  hold(length: number): (() => void) | undefined
  /** Says of an operation that there was no room for it. */
  refuse(id: string): void
}

/** An operation with the room that it takes. */
type Held = { readonly text: string; readonly release: () => void }

/**
 * Takes the messages of one WebSocket before graphql-ws does, for two rules that it does not keep by itself. A client may
 * give the id of an operation that it has completed to another one at once; graphql-ws would take the end of the first
 * for that of the second, so the second waits here until the first is over. And what only a server sends is refused
 * without being called a fault of this one. `handle` resolves when an operation has ended, and never rejects.
 */
export function createSocketInbox(
  handle: (text: string) => Promise<void>,
  close: (code: number, reason: string) => void,
  { hold, refuse }: OperationRoom,
): SocketInbox {
  const underWay = new Map<string, AbortController>()
  /** Ids whose operation the client has completed, with the one that waits for the id, if one does. */
  const ending = new Map<string, Held | undefined>()

  const start = (id: string, { text, release }: Held): void => {
    const operation = new AbortController()
    underWay.set(id, operation)
    void handle(text).then(() => {
      underWay.delete(id)
      operation.abort()
      release()
      const next = ending.get(id)
      ending.delete(id)
      if (next !== undefined) start(id, next)
    })
  }

  const begin = (id: string, text: string, how: (operation: Held) => void): void => {
    const release = hold(text.length)
    if (release === undefined) refuse(id)
    else how({ text, release })
  }

  const take = (text: string): void => {
    const message = messageIn(text)
    const { type, id } = message
    // The variables of an operation are looked at when it begins; graphql-ws echoes what comes with a ping.
    const isTooDeep = type !== 'subscribe' && isDeeper(message, maxInputDepth)
    if (isTooDeep) close(CloseCode.BadRequest, 'Message nested too deep')
    else if (serverOnly.includes(type)) close(CloseCode.BadRequest, 'Invalid message received')
    else if (typeof id !== 'string') void handle(text)
    else if (type === 'subscribe' && !underWay.has(id)) begin(id, text, (operation) => start(id, operation))
    else if (type === 'subscribe' && ending.has(id)) {
      if (ending.get(id) === undefined) begin(id, text, (operation) => ending.set(id, operation))
      else close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`)
    } else {
      const operation = type === 'complete' ? underWay.get(id) : undefined
      if (operation !== undefined) {
        ending.get(id)?.release()
        ending.set(id, undefined)
      }
      void handle(text)
      operation?.abort()
    }
  }
  return {
    take,
    signalOf: (id) => underWay.get(id)?.signal,
    close() {
      for (const operation of underWay.values()) operation.abort()
    },
  }
}

/** What kind of message it is and of which operation, as far as it says so. */
function messageIn(text: string): { readonly type?: unknown; readonly id?: unknown } {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? message : {}
  } catch {
    return {}
  }
}
