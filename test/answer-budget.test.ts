import { expect, test } from 'vitest'
import { AnswerBudget } from '../src/answer-budget.ts'
import { AnswerTooLargeError } from '../src/errors.ts'

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
