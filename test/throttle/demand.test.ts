import { expect, test } from 'vitest'
import { shareOf } from '../../src/throttle/demand.ts'

test('the shares of all instances make one, by what each was asked for, and nobody is left without', () => {
  const demands = [{ queries: 90 }, { queries: 10 }, {}]
  const shares = demands.map((own, index) => shareOf('queries', own, demands.toSpliced(index, 1)))
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1)
  expect(shares[0]).toBeCloseTo(0.81 + 0.1 / 3)
  expect(shares[2]).toBeCloseTo(0.1 / 3)
})

test('the shares are equal while nothing is asked for, and one instance has everything', () => {
  expect(shareOf('queries', {}, [{ registry: 7 }, {}, {}])).toBe(0.25)
  expect(shareOf('queries', {}, [])).toBe(1)
  expect(shareOf('queries', { queries: 3 }, [])).toBe(1)
})
