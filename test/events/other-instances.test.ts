import { expect, test } from 'vitest'
import { createOtherInstances, type SendingInstance } from '../../src/events/other-instances.ts'
import { createTestClock } from '../support/clock.ts'

/** What an instance knows of the others. Times are milliseconds since it began. */
function open(living: readonly SendingInstance[] = []) {
  const clock = createTestClock()
  const start = clock.now().getTime()
  const missed: number[] = []
  const others = createOtherInstances(clock, living, (since) => missed.push(since.getTime() - start))
  return {
    ...others,
    missed,
    ids: () => [...others.ids().keys()],
    /** The leases are read every two seconds, so often. */
    read(all: readonly SendingInstance[], times = 1) {
      for (let time = 0; time < times; time++) {
        clock.advance(2_000)
        others.seen(all)
      }
    },
  }
}
const a = (hints: number): SendingInstance => ({ id: 'a', hints })

test('nothing is missed while every hint arrives, in whatever order', () => {
  const others = open([a(7)])
  for (const number of [8, 10, 9]) others.received('a', number)
  others.read([a(10)], 5)
  expect(others.missed).toEqual([])
})

test('a hint that does not arrive is missed once, since everything before it had arrived', () => {
  const others = open([a(7)])
  others.read([a(7)], 3) // complete up to the first reading, at 2,000
  others.received('a', 9)
  others.read([a(9)], 2)
  expect(others.missed).toEqual([]) // it may still be under way
  others.read([a(9)], 5)
  expect(others.missed).toEqual([6_000])
})

test('a hint that arrives late is not missed', () => {
  const others = open([a(0)])
  others.read([a(1)], 2)
  others.received('a', 1)
  others.read([a(1)], 5)
  expect(others.missed).toEqual([])
})

test('of an instance that was not known before, every hint is missed that has not arrived', () => {
  const others = open()
  others.received('a', 1)
  others.read([a(1)], 5)
  expect(others.missed).toEqual([])
  const late = open()
  late.read([], 2)
  late.read([a(3)], 4)
  expect(late.missed).toEqual([4_000])
})

test('an instance counts from its first hint on, and a stranger only until the leases are read', () => {
  const others = open([a(0)])
  others.received('b', 1)
  others.received('stranger', 5)
  expect(others.ids()).toEqual(['a', 'b', 'stranger'])
  others.read([a(0), { id: 'b', hints: 1 }])
  expect(others.ids()).toEqual(['a', 'b'])
  expect(others.missed).toEqual([])
})

test('when an instance dies, its last hints are missed; when it leaves, none', () => {
  const others = open([a(0), { id: 'b', hints: 0 }])
  others.received('b', 1)
  others.left('b', 2)
  expect(others.ids()).toEqual(['a'])
  others.read([a(0), { id: 'b', hints: 0 }], 3) // its lease ends a moment later
  others.read([a(0)], 2)
  expect(others.missed).toEqual([])
  others.read([])
  expect(others.missed).toEqual([6_000])
  expect(others.ids()).toEqual([])
})

test('an instance that goes on sending has not left, whoever said so', () => {
  const others = open([a(0)])
  others.left('a', 1)
  expect(others.ids()).toEqual([])
  others.received('a', 1) // it was overtaken
  expect(others.ids()).toEqual([])
  others.received('a', 2)
  expect(others.ids()).toEqual(['a'])
})

test('an instance that renews its lease has not left, whoever said so with whatever number', () => {
  const others = open([a(0)])
  others.left('a', Number.MAX_SAFE_INTEGER)
  others.read([a(0)], 4) // a lease may be read a moment after it was given up
  expect(others.ids()).toEqual([])
  others.read([a(0)], 8)
  expect(others.ids()).toEqual(['a'])
})

test('numbers that a stranger invents leave room for hints that overtake each other', () => {
  const others = open([a(0)])
  for (let number = 0; number < 20_000; number++) others.received('a', Number.MAX_SAFE_INTEGER - number)
  others.read([a(0)], 2)
  others.received('a', 2)
  others.received('a', 1)
  others.read([a(2)], 2)
  others.read([a(2)], 6)
  expect(others.missed).toEqual([])
})

test('when an instance leaves and one of its hints has not arrived, it is missed at once', () => {
  const others = open([a(0)])
  others.left('a', 2)
  expect(others.missed).toEqual([0])
})
