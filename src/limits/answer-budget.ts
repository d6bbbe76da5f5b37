import type { Clock } from '../clock.ts'
import { AnswerTooLargeError } from '../errors.ts'
import { type JsonPiece, type JsonText, waitingText } from '../json/json-text.ts'

/** The room that one answer occupies among all answers under way. */
export type AnswerHold = {
  /** Returns the room that the answer did not need. */
  keep(bytes: number): void
  /** Returns all of it. May be called again. */
  release(): void
}

/** Bytes of documents up to which an answer needs no room once it is complete: a connection takes them at once. */
export const smallAnswerBytes = 16 * 1024

/**
 * Counts the bytes of documents that are read for one answer, and holds room for it, if it has any. Documents can only
 * be read by `read`.
 */
export class AnswerBudget {
  readonly maximum: number
  readonly #takeRoom: (() => Promise<AnswerHold>) | undefined
  #used = 0
  #entering: Promise<void> | undefined
  #hold: AnswerHold | undefined
  #isOver = false
  constructor(maximum: number, takeRoom?: () => Promise<AnswerHold>) {
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
    if (this.#isOver) this.#hold?.release()
  }
  /** The answer is complete: it needs room only for its bytes, which are counted only if it holds room. */
  complete(bytes: () => number): void {
    this.#hold?.keep(bytes())
  }
  /** The answer was sent, or is no longer needed. */
  release(): void {
    this.#isOver = true
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
 * item that fits into no page. It converts at most one row more than fits, and gives way between long ones.
 * @throws AnswerTooLargeError when there are rows and not even the first fits.
 */
export async function itemsWithin<Row>(
  clock: Pick<Clock, 'giveWay'>,
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
    for (const piece of pieces) bytes += Buffer.byteLength(piece)
    if (bytes > maxBytes) break
    items.push(waitingText(pieces.join('')))
    if (bytes < turnEnd) continue
    turnEnd = bytes + turnBytes
    await clock.giveWay()
  }
  if (items.length === 0 && rows.length > 0) throw new AnswerTooLargeError('pageBytes', maxBytes)
  return items
}
