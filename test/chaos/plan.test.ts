import { expect, test } from 'vitest'
import { apis, gateways, longPace, type Planned, planDisturbances } from './plan.ts'

const seeds = Array.from({ length: 50 }, (_, index) => index)
const planOf = (seed: number, hasNats = true): readonly Planned[] =>
  planDisturbances({ seed, seconds: 600, hasNats, pace: longPace })

test('a seed gives the same plan again, and another seed another one', () => {
  expect(planOf(4_711)).toEqual(planOf(4_711))
  expect(new Set(seeds.map((seed) => JSON.stringify(planOf(seed)))).size).toBe(seeds.length)
})

test('ten minutes have every kind of disturbance, and NATS is stopped only where there is NATS', () => {
  for (const seed of seeds) {
    const kinds = new Set(planOf(seed).map(({ disturbance }) => disturbance.kind))
    expect([...kinds].sort()).toEqual(['freeze', 'half-open', 'kill', 'nats', 'partition', 'rolling restart'])
    expect(planOf(seed, false).map(({ disturbance }) => disturbance.kind)).not.toContain('nats')
  }
})

test('a gateway and an api are always left alone, and nothing begins that does not end in time', () => {
  for (const seed of seeds) {
    for (const { at, disturbance } of planOf(seed)) {
      const seconds = 'seconds' in disturbance ? disturbance.seconds : longPace.rollingRestart
      expect(at + seconds).toBeLessThanOrEqual(600)
    }
    const lasting = planOf(seed).flatMap(({ at, disturbance }) =>
      'member' in disturbance ? [{ at, end: at + disturbance.seconds, member: disturbance.member }] : [],
    )
    for (const { at } of lasting) {
      const disturbed = new Set(lasting.filter((other) => other.at <= at && at < other.end).map(({ member }) => member))
      expect(gateways.filter((name) => !disturbed.has(name))).not.toEqual([])
      expect(apis.filter((name) => !disturbed.has(name))).not.toEqual([])
    }
  }
})
