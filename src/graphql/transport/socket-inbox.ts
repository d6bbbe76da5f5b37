import { CloseCode } from 'graphql-ws'
import { isDeeper } from '../../json/json.ts'
import { maxInputDepth } from '../limits.ts'
import { namesDocument } from './requested-document.ts'

/** Messages that only a server may send. */
const serverOnly: readonly unknown[] = ['connection_ack', 'next', 'error']

/** The incoming messages of one WebSocket. */
export type SocketInbox = {
  take(text: string): void
  /** Aborts when the operation with this ID has ended, or the client has completed it or disconnected. */
  signalOf(id: string): AbortSignal | undefined
  /** The client has disconnected. */
  close(): void
}

/** The room of operations that are in progress or wait to begin. */
export type OperationRoom = {
  /** Reserves room for `length` characters until the returned function is called. Undefined when there is no room. */
  hold(length: number): (() => void) | undefined
  /** Refuses an operation for lack of room. */
  refuse(id: string): void
}

/** An operation with its room. */
type Held = { readonly text: string; readonly release: () => void }

/**
 * Receives the messages of one WebSocket before graphql-ws, for three rules that graphql-ws does not implement. A client
 * may reuse the ID of an operation as soon as it has completed it. graphql-ws would take the end of the first operation
 * for the end of the second, so the second waits here until the first has ended. Messages that only a server may send
 * are refused as an error of the client, not of the hub. An operation may have the id of its document instead of a text,
 * which graphql-ws requires; it gets an empty one. `handle` resolves when an operation has ended, and never
 * rejects.
 */
export function createSocketInbox(
  handle: (text: string) => Promise<void>,
  close: (code: number, reason: string) => void,
  { hold, refuse }: OperationRoom,
): SocketInbox {
  const underWay = new Map<string, AbortController>()
  /** IDs of operations that the client has completed, each with the operation that waits for the ID, if any. */
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

  const take = (received: string): void => {
    const message = messageIn(received)
    const { type, id, payload } = message
    // Variables are checked when the operation begins. graphql-ws echoes the payload of a ping, so it is checked here.
    const isById = type === 'subscribe' && isPayload(payload) && payload.query == null && namesDocument(payload)
    const isTooDeep = (type !== 'subscribe' || isById) && isDeeper(message, maxInputDepth)
    if (isTooDeep) {
      close(CloseCode.BadRequest, 'Message nested too deeply')
      return
    }
    const text = isById ? JSON.stringify({ ...message, payload: { ...payload, query: '' } }) : received
    if (serverOnly.includes(type)) close(CloseCode.BadRequest, 'Invalid message received')
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

const isPayload = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** The type, the operation ID and the payload of a message, if it has them. */
function messageIn(text: string): { readonly type?: unknown; readonly id?: unknown; readonly payload?: unknown } {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? message : {}
  } catch {
    return {}
  }
}
