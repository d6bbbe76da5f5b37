import { AnswerTooLargeError } from './errors.ts'
import { JsonText } from './json-text.ts'

/** Counts the bytes that are read for one answer. */
export class AnswerBudget {
  readonly maximum: number
  #used = 0
  constructor(maximum: number) {
    this.maximum = maximum
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
