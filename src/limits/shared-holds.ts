import type { AnswerHold } from './answer-budget.ts'
import type { AnswerRoom } from './answer-room.ts'

/** Counts bytes until the returned function is called. They are in memory already, so nothing waits. */
export type HoldShared = (caller: string, bytes: Uint8Array) => () => void

/** Room for bytes that several connections send: once for each caller, however many of its connections share them. */
export function createSharedHolds(room: Pick<AnswerRoom, 'hold'>): HoldShared {
  const holds = new WeakMap<Uint8Array, Map<string, { uses: number; readonly hold: AnswerHold }>>()
  return (caller, bytes) => {
    const ofCallers = holds.get(bytes) ?? new Map()
    holds.set(bytes, ofCallers)
    const shared = ofCallers.get(caller) ?? { uses: 0, hold: room.hold(caller, bytes.byteLength) }
    ofCallers.set(caller, shared)
    shared.uses++
    return () => {
      shared.uses--
      if (shared.uses > 0) return
      shared.hold.release()
      ofCallers.delete(caller)
    }
  }
}
