import type { Turns } from '../clock.ts'
import { AnswerTooLargeError } from '../errors.ts'
import { type JsonPiece, JsonText, waitingText } from '../json/json-text.ts'
import { bytesInTurns } from '../send-in-turns.ts'

/** The room that one answer occupies among all answers under way. */
export type AnswerHold = {
  /** Returns the room that the answer did not need. */
  keep(bytes: number): void
  /** Returns all of it. May be called again. */
  release(): void
}

/** The same for an answer whose data is read meanwhile. */
export type PassedHold = AnswerHold & {
  /**
   * The answer has so many bytes, or as many were read for it. The wait until it may be sent; undefined when there is
   * nothing to wait for. A large answer that is released without it delays the next one of its caller.
   */
  pass(bytes: number): Promise<void> | undefined
}

/** Bytes of documents up to which an answer needs no room once it is complete: a connection takes them at once. */
export const smallAnswerBytes = 16 * 1024

/**
 * Counts the bytes of documents that are read for one answer, and holds room for it, if it has any. Documents can only
 * be read by `read`.
 */
export class AnswerBudget {
  readonly maximum: number
  readonly #takeRoom: (() => Promise<PassedHold>) | undefined
  #used = 0
  #entering: Promise<void> | undefined
  #hold: PassedHold | undefined
  #isOver = false
  constructor(maximum: number, takeRoom?: () => Promise<PassedHold>) {
    this.maximum = maximum
    this.#takeRoom = takeRoom
  }
  /**
   * Waits until there is room for the maximum size of the answer, and reads up to the bytes that are left: a store need
   * not read more. AnswerTooLargeError when it read more, LimitExceededError when there is no room.
   */
  async read<Found extends { readonly bytes: number }>(find: (maxBytes: number) => Promise<Found>): Promise<Found> {
    this.#entering ??= this.#takeAll()
    await this.#entering
    const found = await find(this.maximum - this.#used)
    this.#used += found.bytes
    if (this.#used > this.maximum) throw new AnswerTooLargeError('answerBytes', this.maximum)
    return found
  }
  async #takeAll(): Promise<void> {
    this.#hold = await this.#takeRoom?.()
    if (this.#isOver) this.release()
  }
  /**
   * The answer is complete: it needs room only for its bytes, which are counted only if it holds room. The wait until it may
   * be sent; undefined when there is nothing to wait for.
   */
  complete(bytes: () => number): Promise<void> | undefined {
    if (this.#hold === undefined) return undefined
    const size = bytes()
    this.#hold.keep(size)
    return this.#hold.pass(Math.max(size, this.#used))
  }
  /** The same for an answer of which only what was read is counted. */
  pass(): Promise<void> | undefined {
    return this.#hold?.pass(this.#used)
  }
  /** The answer was sent, or is no longer needed. */
  release(): void {
    this.#isOver = true
    this.#hold?.keep(this.#used)
    this.#hold?.release()
  }
  /** Whether so many bytes were read that the answer occupies memory worth counting. */
  get isLarge(): boolean {
    return this.#used > smallAnswerBytes
  }
}

/** Bytes of items after which other work has its turn: some milliseconds. */
const turnBytes = 256 * 1024

/**
 * The items that fit into one page, in order. `itemOf` converts a row into an item, as JSON in pieces; undefined for an
 * item that fits into no page. It converts at most one row more than fits, and gives way between long ones and in them.
 * @throws AnswerTooLargeError when there are rows and not even the first fits.
 */
export async function itemsWithin<Row>(
  turns: Turns,
  rows: readonly Row[],
  itemOf: (row: Row) => readonly JsonPiece[] | undefined,
  maxBytes: number,
): Promise<readonly JsonText[]> {
  const items: JsonText[] = []
  let bytes = 0
  let turnEnd = turnBytes
  for (const row of rows) {
    const pieces = itemOf(row)
    if (pieces === undefined) break
    const begin = bytes
    for (const piece of pieces) bytes += Buffer.byteLength(piece)
    if (bytes > maxBytes) break
    const isLong = bytes - begin > turnBytes
    items.push(isLong ? new JsonText(await bytesInTurns(turns, pieces)) : waitingText(pieces.join('')))
    if (bytes < turnEnd) continue
    turnEnd = bytes + turnBytes
    await turns.giveWay()
  }
  if (items.length === 0 && rows.length > 0) throw new AnswerTooLargeError('pageBytes', maxBytes)
  return items
}
