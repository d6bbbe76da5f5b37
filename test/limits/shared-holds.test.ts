import { expect, test } from 'vitest'
import { createSharedHolds } from '../../src/limits/shared-holds.ts'

test('bytes that connections share count once for each caller, until the last connection has sent them', () => {
  const held = new Map<string, number>()
  const change = (caller: string, bytes: number) => held.set(caller, (held.get(caller) ?? 0) + bytes)
  const hold = createSharedHolds({
    hold(caller, bytes) {
      change(caller, bytes)
      return { keep: () => {}, release: () => change(caller, -bytes) }
    },
  })
  const payload = Buffer.alloc(100)
  const [first, second, other] = [hold('a', payload), hold('a', payload), hold('b', payload)]
  expect([...held]).toEqual([
    ['a', 100],
    ['b', 100],
  ])
  first()
  expect(held.get('a')).toBe(100)
  second()
  other()
  expect([...held.values()]).toEqual([0, 0])
  hold('a', payload)
  expect(held.get('a')).toBe(100)
})
