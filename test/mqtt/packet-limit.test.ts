import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPacketLimit } from '../../src/mqtt/packet-limit.ts'

const limits = { first: 10, others: 200 }

/** A packet of a remaining length, its bytes all 0xff: read as a length they would be over any limit. */
function packet(length: number): number[] {
  const header = [0x30]
  let rest = length
  do {
    header.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return [...header, ...Array<number>(length).fill(0xff)]
}

const passes = (bytes: readonly number[], cuts: readonly number[]): boolean => {
  const within = createPacketLimit(limits)
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.every((end, index) => within(Uint8Array.from(bytes.slice(ends[index - 1] ?? 0, end))) !== undefined)
}

test('packets pass exactly when the first and the others are within their limits, however the bytes are cut', () => {
  const lengths = fc.tuple(
    fc.nat(12),
    fc.array(fc.oneof(fc.nat(5), fc.integer({ min: 190, max: 210 })), { maxLength: 6 }),
  )
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(2_000), { maxLength: 12 }), ([first, others], cuts) => {
      const bytes = [first, ...others].flatMap(packet)
      expect(passes(bytes, cuts)).toBe(first <= limits.first && others.every((length) => length <= limits.others))
    }),
  )
})

test('a packet is refused when its length is known, and a length of more than four bytes at once', () => {
  expect(passes([0x10, 11], [])).toBe(false)
  expect(passes([0x10, 0xff, 0xff, 0xff, 0x7f], [])).toBe(false)
  expect(passes([0x10, 0x80, 0x80, 0x80, 0x80], [])).toBe(false)
})

test('no more packets are passed than may be, and what is given again later loses nothing', () => {
  const most = fc.integer({ min: 1, max: 3 })
  fc.assert(
    fc.property(
      fc.array(fc.nat(150), { maxLength: 8 }),
      most,
      fc.integer({ min: 1, max: 40 }),
      (lengths, most, step) => {
        const bytes = Uint8Array.from([5, ...lengths].flatMap(packet))
        const limit = createPacketLimit(limits)
        let at = 0
        let begun = 0
        while (at < bytes.length) {
          const stretch = limit(bytes.subarray(at, at + step), most)
          expect(stretch?.begun).toBeLessThanOrEqual(most)
          expect(stretch?.length).toBeGreaterThan(0)
          at += stretch?.length ?? bytes.length
          begun += stretch?.begun ?? 0
        }
        expect(begun).toBe(lengths.length + 1)
        expect(limit(Uint8Array.of(0x30, 0), 0)).toEqual({ length: 0, begun: 0 })
      },
    ),
  )
})
