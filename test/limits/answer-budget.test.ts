import { expect, test } from 'vitest'
import { AnswerTooLargeError } from '../../src/errors.ts'
import { AnswerBudget, itemsWithin } from '../../src/limits/answer-budget.ts'

test('an answer may hold as many bytes as its budget, and not one more', () => {
  const answer = new AnswerBudget(10)
  answer.take(4)
  expect(answer.left).toBe(6)
  answer.take(6)
  expect(() => answer.take(1)).toThrow(AnswerTooLargeError)
})

test('the next answer has a budget of its own', () => {
  const answer = new AnswerBudget(10)
  answer.take(10)
  answer.reset()
  expect(answer.left).toBe(10)
})

const rows = [['1'], ['22'], ['333']]

test('a page has the items that fit, and no more are made than that and one', () => {
  const made: string[] = []
  const items = itemsWithin(
    [...rows, ['4444']],
    (pieces) => {
      made.push(...pieces)
      return pieces
    },
    3,
  )
  expect(items.map(({ text }) => text)).toEqual(['1', '22'])
  expect(made).toEqual(['1', '22', '333'])
})

test('an item that fits into no page ends the page before it', () => {
  expect(itemsWithin([['1'], undefined], (pieces) => pieces, 3)).toHaveLength(1)
})

test('a first item that does not fit is refused, and no rows are a page', () => {
  expect(() => itemsWithin([['4444']], (pieces) => pieces, 3)).toThrow(AnswerTooLargeError)
  expect(() => itemsWithin([undefined], (pieces) => pieces, 3)).toThrow(AnswerTooLargeError)
  expect(itemsWithin([], () => [], 3)).toEqual([])
})
