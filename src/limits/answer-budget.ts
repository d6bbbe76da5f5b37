import { AnswerTooLargeError } from '../errors.ts'
import { JsonText } from '../json/json-text.ts'

/** Room that one answer has among all that are under way. */
export type AnswerHold = {
  /** Gives back what the answer turned out not to need. */
  keep(bytes: number): void
  /** Gives all of it back. May be called again. */
  release(): void
}

/** Counts the bytes that are read for one answer, and holds the room for it, if there is to be one: see `enter`. */
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
  /** Before documents are read: waits until there is room for as many bytes as the answer may have. */
  enter(): Promise<void> {
    this.#entering ??= this.#takeAll()
    return this.#entering
  }
  async #takeAll(): Promise<void> {
    this.#hold = await this.#takeRoom?.()
    if (this.#isOver) this.#hold?.release()
  }
  /** The answer is complete: it needs no more room than its bytes, which are counted only if it has any. */
  complete(bytes: () => number): void {
    this.#hold?.keep(bytes())
  }
  /** The answer has left, or nobody waits for it. */
  release(): void {
    this.#isOver = true
    this.#hold?.release()
  }
  /** Bytes that may still be read: what a store need not read beyond. */
  get left(): number {
    return this.maximum - this.#used
  }
  /** Counts what was read. AnswerTooLargeError when it is more than was left. */
  take(bytes: number): void {
    this.#used += bytes
    if (this.#used > this.maximum) throw new AnswerTooLargeError('answerBytes', this.maximum)
  }
  /** Begins another answer. */
  reset(): void {
    this.#used = 0
  }
}

/**
 * The items that fit into one page, in their order; `itemOf` makes one of a row, as JSON in pieces; undefined for
 * one that fits into no page. Makes no more of them
 * than that and one. AnswerTooLargeError when there are rows and not even the first fits.
 */
export function itemsWithin<Row>(
  rows: readonly Row[],
  itemOf: (row: Row) => readonly string[] | undefined,
  maxBytes: number,
): readonly JsonText[] {
  const items: JsonText[] = []
  let bytes = 0
  for (const row of rows) {
    const pieces = itemOf(row)
    if (pieces === undefined) break
    for (const piece of pieces) bytes += Buffer.byteLength(piece)
    if (bytes > maxBytes) break
    items.push(new JsonText(pieces.join('')))
  }
  if (items.length === 0 && rows.length > 0) throw new AnswerTooLargeError('pageBytes', maxBytes)
  return items
}
