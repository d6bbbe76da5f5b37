import { isIdle, type Wire, writeMessage } from '../transport/next-message.ts'

// One event, one message, one loop. A subscription is ready when it has been sent every state so far, waits for the next
// one, and does nothing else. A state is read, executed and printed once for a group of equal subscriptions and written to
// all that are ready. Each of the others is handed the state by `paced-rows.ts`, at its own pace.
//
//   live/shared-reads          the state was read
//     ▼  a ready subscription  executes and prints it: { version, payload }
//     ▼  for each subscription of the group:
//     │
//   ready, and its connection idle?  ── no ──►  paced-rows, source, shared-subscribe, socket-results
//     │ yes                                       │
//   newer than the last that it was sent?         │
//     ▼ yes                                       ▼
//   transport/next-message ◄──────────────────────┘

/** A subscription as the loop knows it. */
export type Recipient = {
  /** The version of the last state that it was sent. */
  shown: number
  /** Where its messages are written. Defined while it is ready. */
  wire: Wire | undefined
}

/** A state as the loop sends it. */
export type Message = { readonly version: number; readonly payload: Buffer }

/**
 * Writes the message to a subscription that is ready, if it is newer. Returns false, without effect, if the subscription
 * is not ready or something waits in its connection: it must then be served by `paced-rows.ts`.
 */
export function writeNewer(to: Recipient, { version, payload }: Message): boolean {
  const { wire } = to
  if (wire === undefined || !isIdle(wire)) return false
  if (version > to.shown) {
    to.shown = version
    writeMessage(wire, payload)
  }
  return true
}
