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

/** An operation in progress. */
type Operation = {
  readonly ended: AbortController
  /** Whether the client has completed it. */
  isCompleted: boolean
  /** The operation that waits for its ID. */
  next: Held | undefined
}

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
  const underWay = new Map<string, Operation>()

  const start = (id: string, { text, release }: Held): void => {
    const operation: Operation = { ended: new AbortController(), isCompleted: false, next: undefined }
    underWay.set(id, operation)
    void handle(text).then(() => {
      underWay.delete(id)
      operation.ended.abort()
      release()
      if (operation.next !== undefined) start(id, operation.next)
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
    else takeOfOperation(id, { type, text })
  }
  const takeOfOperation = (id: string, { type, text }: { readonly type: unknown; readonly text: string }): void => {
    const operation = underWay.get(id)
    if (type === 'subscribe' && operation === undefined) begin(id, text, (held) => start(id, held))
    else if (type === 'subscribe' && operation?.isCompleted) {
      if (operation.next !== undefined) {
        close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`)
        return
      }
      begin(id, text, (held) => {
        operation.next = held
      })
    } else {
      const completed = type === 'complete' ? operation : undefined
      if (completed !== undefined) {
        completed.next?.release()
        completed.next = undefined
        completed.isCompleted = true
      }
      void handle(text)
      completed?.ended.abort()
    }
  }
  return {
    take,
    signalOf: (id) => underWay.get(id)?.ended.signal,
    close() {
      for (const { ended } of underWay.values()) ended.abort()
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
