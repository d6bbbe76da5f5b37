import type { Json } from '../json/json.ts'
import type { Latency } from './latency.ts'

/** How a device answers a method call. A missing payload is `null`, as the device SDK sends it. */
export type Answering =
  /** Answers successfully. Default status: 200; default delay: none. */
  | { readonly kind: 'answer'; readonly status?: number; readonly payload?: Json; readonly delayMs?: Latency }
  /** Refuses: `status` is the reason, a 4xx or 5xx. */
  | { readonly kind: 'refuse'; readonly status: number; readonly payload?: Json; readonly delayMs?: Latency }
  /** Receives the call and never answers. */
  | { readonly kind: 'silent' }

/**
 * The whole behaviour of a device. Most devices are always connected and differ in how they answer; the others differ
 * in when they are connected, and answer as `answering` says (200 by default).
 */
export type Behaviour =
  | Answering
  /** Connects only when named explicitly. */
  | { readonly kind: 'offline'; readonly answering?: Answering }
  /** Connects by itself `afterMs` after the fleet started to connect. */
  | { readonly kind: 'late'; readonly afterMs: number; readonly answering?: Answering }
  /** Loses its connection after about `upMs` and reconnects after `downMs`, repeatedly. */
  | { readonly kind: 'flapping'; readonly upMs: number; readonly downMs: number; readonly answering?: Answering }

/** One device of a fleet. The key is the base64 text of its primary key. */
export type SimulatedDevice = {
  readonly deviceId: string
  readonly primaryKey: string
  readonly behaviour: Behaviour
}

/** A prepared `Answering`: the payload is encoded once, not for every call. */
export type PreparedAnswer = { readonly status: number; readonly payload: Buffer; readonly delayMs: Latency }

const nullPayload = Buffer.from('null')

/** How a device with this behaviour answers while it is connected. */
export const answeringOf = (behaviour: Behaviour): Answering => {
  switch (behaviour.kind) {
    case 'offline':
    case 'late':
    case 'flapping':
      return behaviour.answering ?? { kind: 'answer' }
    default:
      return behaviour
  }
}

/** Prepares an answer; undefined for a device that never answers. */
export const prepareAnswer = (answering: Answering): PreparedAnswer | undefined => {
  if (answering.kind === 'silent') return undefined
  const { status = 200, payload, delayMs = 0 } = answering
  return { status, payload: payload === undefined ? nullPayload : Buffer.from(JSON.stringify(payload)), delayMs }
}
