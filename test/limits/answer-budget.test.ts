import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { AnswerTooLargeError } from '../../src/errors.ts'
import { AnswerBudget, itemsWithin } from '../../src/limits/answer-budget.ts'

test('an answer may hold as many bytes as its budget, and not one more', async () => {
  const answer = new AnswerBudget(10)
  const left: number[] = []
  const read = (bytes: number) =>
    answer.read(async (maxBytes) => {
      left.push(maxBytes)
      return { bytes }
    })
  await read(4)
  await read(6)
  await expect(read(1)).rejects.toThrow(AnswerTooLargeError)
  expect(left).toEqual([10, 6, 0])
})

test('nothing is read before there is room', async () => {
  let admit = (): void => {}
  const room = new Promise<void>((resolve) => {
    admit = resolve
  })
  const happened: string[] = []
  const answer = new AnswerBudget(10, async () => {
    await room
    happened.push('room')
    return { keep: () => {}, pass: () => undefined, release: () => happened.push('released') }
  })
  const reading = answer.read(async () => {
    happened.push('read')
    return { bytes: 1 }
  })
  await systemClock.giveWay()
  expect(happened).toEqual([])
  admit()
  await reading
  answer.release()
  expect(happened).toEqual(['room', 'read', 'released'])
})

const rows = [['1'], ['22'], ['333']]

const { giveWay } = systemClock
const within = (given: readonly (readonly string[] | undefined)[], maxBytes: number) =>
  itemsWithin({ giveWay }, given, (pieces) => pieces, maxBytes)

test('a page has the items that fit, and no more are made than that and one', async () => {
  const made: string[] = []
  const items = await itemsWithin(
    { giveWay },
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

test('an item that fits into no page ends the page before it', async () => {
  expect(await within([['1'], undefined], 3)).toHaveLength(1)
})

test('a first item that does not fit is refused, and no rows are a page', async () => {
  await expect(within([['4444']], 3)).rejects.toThrow(AnswerTooLargeError)
  await expect(within([undefined], 3)).rejects.toThrow(AnswerTooLargeError)
  expect(await within([], 3)).toEqual([])
})

test('other work has its turn between long items', async () => {
  let turns = 0
  const clock = {
    giveWay: () => {
      turns++
      return systemClock.giveWay()
    },
  }
  const long = Array.from({ length: 8 }, () => ['x'.repeat(200_000)])
  expect(await itemsWithin(clock, long, (pieces) => pieces, 2_000_000)).toHaveLength(8)
  expect(turns).toBe(4)
  expect(await itemsWithin(clock, rows, (pieces) => pieces, 100)).toHaveLength(3)
  expect(turns).toBe(4)
})
