import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type JsonBudget, overBudget } from '../../src/json/json-budget.ts'

const none: JsonBudget = { bytes: 1e9, members: 1e9, depth: 1e9 }

const over = (text: string, budget: Partial<JsonBudget>): keyof JsonBudget | undefined =>
  overBudget(Buffer.from(text), { ...none, ...budget })

/** The least budget that a text is within. */
function measured(text: string): { members: number; depth: number } {
  const least = (what: 'members' | 'depth'): number => {
    let amount = 0
    while (over(text, { [what]: amount }) === what) amount++
    return amount
  }
  return { members: least('members'), depth: least('depth') }
}

/** The same, by walking through the value. */
function measuredByWalking(value: unknown): { members: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { members: 0, depth: 0 }
  const below = Object.values(value).map(measuredByWalking)
  return {
    members: below.reduce((sum, { members }) => sum + members, below.length),
    depth: Math.max(0, ...below.map(({ depth }) => depth)) + 1,
  }
}

test('members and depth are those of the value, however its text is spaced', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t', '\r\n '), (value, space) => {
      expect(measured(JSON.stringify(value, undefined, space))).toEqual(measuredByWalking(value))
    }),
  )
})

test('what stands in strings counts as bytes only', () => {
  expect(measured(JSON.stringify({ '[[,{"\\': '\\"],[[{\\\\', b: ',,,' }))).toEqual({ members: 2, depth: 1 })
})

test('bytes are those of the text, beyond which nothing is looked at', () => {
  expect(over('"ä"', { bytes: 3 })).toBe('bytes')
  expect(over('"ä"', { bytes: 4 })).toBeUndefined()
})

test('a text of any depth is looked at without a stack', () => {
  const depth = 1_000_000
  expect(over('['.repeat(depth) + ']'.repeat(depth), { depth: depth - 1 })).toBe('depth')
  expect(over('['.repeat(depth) + ']'.repeat(depth), { depth })).toBeUndefined()
})

test('any bytes are looked at without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      overBudget(bytes, { bytes: 50, members: 3, depth: 2 })
    }),
  )
})
