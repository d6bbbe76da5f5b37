import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/json/json.ts'
import { hasMoreMembers, sizeOf } from '../../src/twin/size.ts'

/** Of numbers those that are printed without an exponent. */
const sections = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })).map((value): JsonObject => {
  return JSON.parse(JSON.stringify(value), (_key, member) =>
    typeof member === 'number' && /e/.test(String(member)) ? 0.5 : member,
  )
})

/** Texts with characters of all lengths and with control characters. Halves of surrogate pairs are refused before. */
const texts = fc
  .array(
    fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('"', '\\', '\u001f', '\u007f', '\u009f')),
  )
  .map((parts) => parts.join(''))

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const below = Object.values(value)
  return below.reduce((sum: number, member) => sum + membersOf(member), below.length)
}

describe('the size of a section', () => {
  test('has the bytes of its JSON text, and its members at all levels', () => {
    fc.assert(
      fc.property(sections, (section) => {
        const { bytes, members } = sizeOf(section)
        expect(bytes).toBe(Buffer.byteLength(JSON.stringify(section)))
        expect(members).toBe(membersOf(section))
      }),
    )
  })

  test('weighs a text as its bytes of UTF-8 without control characters', () => {
    fc.assert(
      fc.property(texts, texts, (key, text) => {
        const weightOf = (each: string): number => Buffer.byteLength(each.replace(/\p{Cc}/gu, ''))
        const { weight, bytes } = sizeOf({ [key]: text })
        expect(weight).toBe(weightOf(key) + weightOf(text))
        expect(bytes).toBe(Buffer.byteLength(JSON.stringify({ [key]: text })))
      }),
    )
  })

  test.each([
    [5e-324, `0.${'0'.repeat(323)}5`],
    [-1.25e-7, '-0.000000125'],
    [1.5e21, '1500000000000000000000'],
    [-1e300, `-1${'0'.repeat(300)}`],
    [0.000001, '0.000001'],
  ])('counts %f as the database prints it, which knows no exponents', (number, printed) => {
    expect(sizeOf({ a: number }).bytes).toBe(`{"a":${printed}}`.length)
  })

  test.each<readonly [string, JsonObject]>([
    ['control characters', { a: '\u007f'.repeat(4000) }],
    ['empty arrays', { a: Array.from({ length: 4000 }, () => []) }],
    ['empty objects', { a: Array.from({ length: 4000 }, () => ({})) }],
    ['empty strings', { a: Array.from({ length: 4000 }, () => '') }],
  ])('counts %s, which weigh nothing in IoT Hub', (_what, section) => {
    const { weight, bytes } = sizeOf(section)
    expect(weight).toBe(1)
    expect(bytes).toBeGreaterThan(4000)
  })

  test('is without end when it is nested deeper than any section may be', () => {
    expect(sizeOf(JSON.parse(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)).members).toBe(
      Number.POSITIVE_INFINITY,
    )
  })
})

test('a change has more members than a number exactly when that is so, the marks of its root aside', () => {
  fc.assert(
    fc.property(sections, fc.nat({ max: 20 }), (section, most) => {
      const { $metadata, $version, ...others } = section
      const marked = { ...others, $version: 3, $metadata: { a: { b: {} } } }
      expect(hasMoreMembers(marked, most)).toBe(membersOf(others) > most)
    }),
  )
  expect(hasMoreMembers('text', 0)).toBe(false)
  expect(hasMoreMembers(JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)), 1_000_000)).toBe(false)
})
