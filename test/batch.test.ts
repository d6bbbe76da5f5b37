import { expect, test } from 'vitest'
import { createBatch } from '../src/batch.ts'
import { createTestClock } from './support/clock.ts'

/** A batch of numbers whose writes a test lets succeed or fail. */
function setUp({ size = 3, wait = 20, writes: atOnce = 1 } = {}) {
  const clock = createTestClock()
  const writes: { readonly items: readonly number[]; readonly end: (error?: Error) => void }[] = []
  const failures: unknown[] = []
  const batch = createBatch<number>({
    clock,
    size,
    writes: atOnce,
    wait,
    flush: (items) =>
      new Promise((resolve, reject) => {
        writes.push({ items, end: (error) => (error === undefined ? resolve() : reject(error)) })
      }),
    onError: (error) => failures.push(error),
  })
  const written = (): (readonly number[])[] => writes.map(({ items }) => items)
  const add = (...items: number[]): void => {
    for (const item of items) batch.add(item)
  }
  /** Resolves when so many writes have begun. */
  const begun = (count: number): Promise<void> => expect.poll(() => writes.length, { interval: 1 }).toBe(count)
  const end = async (index: number, error?: Error): Promise<void> => {
    await begun(index + 1)
    writes[index]?.end(error)
  }
  return { clock, batch, written, failures, add, begun, end }
}

test('items wait for company, and are written together when the time is up', async () => {
  const { clock, written, add, begun } = setUp()
  add(1, 2)
  clock.advance(19)
  expect(written()).toEqual([])
  clock.advance(1)
  await begun(1)
  expect(written()).toEqual([[1, 2]])
})

test('a full batch does not wait', async () => {
  const { written, add, begun } = setUp()
  add(1, 2, 3, 4)
  await begun(1)
  expect(written()).toEqual([[1, 2, 3]])
})

test('there is one write at a time; what comes meanwhile is written next, at most a batch at once', async () => {
  const { written, add, begun, end, clock } = setUp()
  add(1, 2, 3)
  await begun(1)
  add(4, 5, 6, 7)
  clock.advance(1000)
  expect(written()).toEqual([[1, 2, 3]])
  await end(0)
  await begun(2)
  expect(written()[1]).toEqual([4, 5, 6])
  await end(1)
  await clock.asleep()
  clock.advance(20)
  await begun(3)
  expect(written()[2]).toEqual([7])
})

test('with two writes at a time, a failing write does not hold up the next, and a flush waits for both', async () => {
  const { batch, written, add, begun, end, clock } = setUp({ writes: 2 })
  add(1, 2, 3)
  await end(0, new Error('away'))
  await clock.asleep()
  add(4, 5, 6, 7, 8, 9)
  await end(1)
  await begun(3)
  expect(written()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ])
  let isFlushed = false
  const flushed = batch.flush().then(() => {
    isFlushed = true
  })
  await end(2)
  expect(isFlushed).toBe(false)
  clock.advance(100)
  await end(3)
  await flushed
  expect(written()[3]).toEqual([1, 2, 3])
})

test('what failed is tried again with the same items and longer and longer pauses', async () => {
  const { written, add, begun, end, clock, failures } = setUp()
  add(1, 2, 3)
  await end(0, new Error('first'))
  await clock.asleep()
  add(4)
  clock.advance(100)
  await end(1, new Error('second'))
  await clock.asleep()
  clock.advance(99) // the second pause is at least 100
  expect(written()).toHaveLength(2)
  clock.advance(101)
  await begun(3)
  expect(written()).toEqual([
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ])
  expect(failures).toMatchObject([{ message: 'first' }, { message: 'second' }])
})

test('a flush writes what was added before it without waiting', async () => {
  const { batch, written, add, end, begun } = setUp()
  add(1, 2, 3, 4)
  const flushed = batch.flush()
  await end(0)
  await end(1)
  await flushed
  expect(written()).toEqual([[1, 2, 3], [4]])
  add(5)
  expect(written()).toHaveLength(2)
  const again = batch.flush()
  await begun(3)
  add(6) // after the flush: it does not wait for this one
  await end(2)
  await again
})

test('a flush of nothing is done at once', async () => {
  await expect(setUp().batch.flush()).resolves.toBeUndefined()
})

test('closing writes what is left and takes no more', async () => {
  const { batch, written, add, end } = setUp()
  add(1)
  const closed = batch.close()
  add(2)
  await end(0)
  await closed
  expect(written()).toEqual([[1]])
})

test('closing ends although the writes fail: each batch is tried once more and then dropped', async () => {
  const { batch, written, add, end, clock, failures } = setUp()
  add(1, 2, 3, 4)
  await end(0, new Error('away'))
  await clock.asleep()
  const closed = batch.close()
  await end(1, new Error('away'))
  await end(2, new Error('away'))
  await closed
  expect(written()).toEqual([[1, 2, 3], [1, 2, 3], [4]])
  expect(failures).toHaveLength(3)
})
