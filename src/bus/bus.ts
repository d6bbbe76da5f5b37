import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Transport } from '../database/notifications.ts'
import { membersOf } from '../json/json.ts'

/**
 * Messages between the instances of a hub, by subject: letters, digits, dots and hyphens, at most 50. A message is sent
 * at most once and may be lost, and every user of the transport can send one: a receiver checks what it reads. Until a
 * transport is connected, an instance is alone: nothing is sent.
 */
export type Bus = {
  /** Sends a text to the listeners of all other instances. */
  publish(subject: string, text: string): void
  /** Calls the listener, which must not throw, until the returned function is called. */
  subscribe(subject: string, listener: (text: string) => void): () => void
  /**
   * Sends a text to the instance that answers the subject. Returns its answer, or undefined when none has come within
   * `ms` or until the signal aborts.
   */
  request(subject: string, text: string, ms: number, signal?: AbortSignal): Promise<string | undefined>
  /** Answers requests until the returned function is called. `answer` must not reject. */
  answer(subject: string, answer: (text: string) => Promise<string>): () => void
  /** The subjects that have listeners. */
  subjects(): readonly string[]
  connect(transport: Transport): void
  /** Passes a message that the transport has received to the listeners. */
  receive(subject: string, text: string): void
}

/** A request names the subject at which its answer is expected, and itself. */
type Envelope = { readonly replyTo: string; readonly id: string; readonly text: string }

export function createBus(clock: Pick<Clock, 'sleep'>): Bus {
  const listeners = new Map<string, Set<(text: string) => void>>()
  const replySubject = `reply.${randomUUID()}`
  const waiting = new Map<string, (text: string) => void>()
  let transport: Transport | undefined
  let requests = 0

  const subscribe: Bus['subscribe'] = (subject, listener) => {
    const all = listeners.get(subject) ?? new Set()
    all.add(listener)
    if (all.size === 1) {
      listeners.set(subject, all)
      transport?.listen(subject)
    }
    return () => {
      if (!all.delete(listener) || all.size > 0) return
      listeners.delete(subject)
      transport?.unlisten(subject)
    }
  }
  subscribe(replySubject, (text) => {
    const reply = readEnvelope(text)
    if (reply !== undefined) waiting.get(reply.id)?.(reply.text)
  })
  const send = (subject: string, envelope: Envelope): boolean =>
    transport?.send(subject, JSON.stringify(envelope)) ?? false
  return {
    publish: (subject, text) => void transport?.send(subject, text),
    subscribe,
    async request(subject, text, ms, signal) {
      if (transport === undefined) return undefined
      const id = String(++requests)
      const over = new AbortController()
      let answer: string | undefined
      waiting.set(id, (reply) => {
        answer = reply
        over.abort()
      })
      send(subject, { replyTo: replySubject, id, text })
      await clock.sleep(ms, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))
      waiting.delete(id)
      return answer
    },
    answer: (subject, answer) =>
      subscribe(subject, (text) => {
        const request = readEnvelope(text)
        if (request === undefined || !isReplySubject.test(request.replyTo)) return
        const { replyTo, id } = request
        void answer(request.text).then((reply) => send(replyTo, { replyTo: '', id, text: reply }))
      }),
    subjects: () => [...listeners.keys()],
    connect(next) {
      transport = next
      for (const subject of listeners.keys()) next.listen(subject)
    },
    receive(subject, text) {
      for (const listener of listeners.get(subject) ?? []) listener(text)
    },
  }
}

const isReplySubject = /^reply\.[0-9a-f-]{36}$/

/** Undefined for a text that is no envelope. */
function readEnvelope(text: string): Envelope | undefined {
  const { replyTo, id, text: content } = membersOf(parsed(text))
  return typeof replyTo === 'string' && typeof id === 'string' && typeof content === 'string'
    ? { replyTo, id, text: content }
    : undefined
}

/** The value of a message, which may be from anybody; undefined when it is no JSON text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
