import { AnswerTooLargeError } from './errors.ts'

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
    if (this.#used > this.maximum) throw new AnswerTooLargeError(this.maximum)
  }
  /** Begins another answer. */
  reset(): void {
    this.#used = 0
  }
}
