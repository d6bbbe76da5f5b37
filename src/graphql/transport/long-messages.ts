import { LimitExceededError } from '../../errors.ts'
import { type LongTurns, longRequestBytes } from '../../limits/long-turns.ts'

/** What is needed of one WebSocket. */
type Reader = {
  /** The authenticated client. Undefined before its token was accepted: then messages are short. */
  caller(): string | undefined
  /** Aborts when the client has disconnected. */
  readonly signal: AbortSignal
  /** Stops reading until the returned function is called. */
  hold(): () => void
  /** Handles one message. `isTurn`: in a long turn of the caller, which is counted already. */
  take(text: string, isTurn: boolean): void
  /** Too many large requests of the caller wait. */
  refuse(): void
}

/**
 * Hands on the messages of a WebSocket in their order. A long one waits for the caller's turn before anything of it is
 * parsed. Meanwhile nothing more is read from the socket, so that its client cannot fill the memory with others.
 */
export function createLongMessages(
  { take: takeTurn }: Pick<LongTurns, 'take'>,
  { caller: callerNow, signal, hold, take, refuse }: Reader,
): (text: string) => void {
  /** Those that were received already when reading stopped. */
  const waiting: string[] = []
  let isWaiting = false

  const takeNext = async (text: string): Promise<void> => {
    const caller = callerNow()
    if (caller === undefined || text.length < longRequestBytes) take(text, false)
    else await takeTurn(caller, () => take(text, true), signal, text.length)
  }
  const takeAll = async (first: string): Promise<void> => {
    isWaiting = true
    const readOn = hold()
    try {
      for (let text: string | undefined = first; text !== undefined; text = waiting.shift()) await takeNext(text)
    } catch (error) {
      if (!(error instanceof LimitExceededError)) throw error
      waiting.length = 0
      refuse()
    } finally {
      isWaiting = false
      readOn()
    }
  }
  return (text) => {
    if (isWaiting) waiting.push(text)
    else if (text.length < longRequestBytes || callerNow() === undefined) take(text, false)
    else void takeAll(text)
  }
}
