import type { Json } from '../json/json.ts'
import type { Latency } from './latency.ts'

/** What a device does with a method call. A payload left out is `null`, as the device SDK sends it. */
export type Answering =
  /** Does as it is told. Status 200 unless said otherwise, at once unless said otherwise. */
  | { readonly kind: 'answer'; readonly status?: number; readonly payload?: Json; readonly delayMs?: Latency }
  /** Answers that it will not: `status` is the reason, a 4xx or 5xx. */
  | { readonly kind: 'refuse'; readonly status: number; readonly payload?: Json; readonly delayMs?: Latency }
  /** Receives the call and never answers. */
  | { readonly kind: 'silent' }

/**
 * What a device does, whole: most are there all the time and differ in how they answer; the others differ in when they
 * are there, and answer as `answering` says (200 if it says nothing).
 */
export type Behaviour =
  | Answering
  /** Connects only when called by name. */
  | { readonly kind: 'offline'; readonly answering?: Answering }
  /** Connects by itself `afterMs` after the fleet was told to. */
  | { readonly kind: 'late'; readonly afterMs: number; readonly answering?: Answering }
  /** Loses its connection after about `upMs` and comes back after `downMs`, over and over. */
  | { readonly kind: 'flapping'; readonly upMs: number; readonly downMs: number; readonly answering?: Answering }

/** One device of a fleet. The key is the base64 text of its primary key. */
export type SimulatedDevice = {
  readonly deviceId: string
  readonly primaryKey: string
  readonly behaviour: Behaviour
}

/** An `Answering` made ready: the payload encoded once, not at every call. */
export type PreparedAnswer = { readonly status: number; readonly payload: Buffer; readonly delayMs: Latency }

const nullPayload = Buffer.from('null')

/** How a device of this behaviour answers while it is connected. */
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

/** Prepares an answer; undefined for a device that gives none. */
export const prepareAnswer = (answering: Answering): PreparedAnswer | undefined => {
  if (answering.kind === 'silent') return undefined
  const { status = 200, payload, delayMs = 0 } = answering
  return { status, payload: payload === undefined ? nullPayload : Buffer.from(JSON.stringify(payload)), delayMs }
}
