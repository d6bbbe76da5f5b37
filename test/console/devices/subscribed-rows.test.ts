import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rowsToFollow } from '../../../src/console/pages/devices/subscribed-rows.ts'

const ids = Array.from({ length: 1_000 }, (_, index) => `d${index}`)
const inSight = (from: number, to: number) => {
  const seen = new Set(ids.slice(from, to))
  return (id: string) => seen.has(id)
}

test('all rows in sight are followed, and never many more', () => {
  fc.assert(
    fc.property(fc.nat(999), fc.nat(60), fc.nat(999), (from, length, before) => {
      const followed = rowsToFollow(ids, inSight(before, before + 20), [])
      const next = rowsToFollow(ids, inSight(from, from + length + 1), followed)
      expect(next).toEqual(expect.arrayContaining(ids.slice(from, from + length + 1)))
      expect(next.length).toBeLessThan(300)
    }),
  )
})

test('they stay the same while those in sight are among them', () => {
  const followed = rowsToFollow(ids, inSight(100, 130), [])
  expect(rowsToFollow(ids, inSight(150, 180), followed)).toBe(followed)
  expect(rowsToFollow(ids, inSight(200, 230), followed)).not.toBe(followed)
})

test('they stay the same while nothing is in sight', () => {
  const followed = ['d1']
  expect(rowsToFollow(ids, () => false, followed)).toBe(followed)
})
