import { describe, expect, test } from 'vitest'
import { readResponse } from '../../src/method/answer.ts'

const read = (payload: string, depth = 64) => readResponse(200, Buffer.from(payload), depth)
const arrays = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

describe('an answer', () => {
  test('is kept as the text that the device sent, and counts as null when it is empty', () => {
    expect(read('{ "a": 1.0 }')).toEqual({ status: 200, payload: '{ "a": 1.0 }' })
    expect(read('')).toEqual({ status: 200, payload: 'null' })
  })

  test.each([
    ['arrays', arrays],
    ['objects', objects],
  ])('may be %s nested as deep as the limit says, and no deeper', (_what, nested) => {
    expect(read(nested(64))).toEqual({ status: 200, payload: nested(64) })
    expect(read(nested(16), 16)).toEqual({ status: 200, payload: nested(16) })
    for (const levels of [65, 5_000, 20_000]) {
      expect(read(nested(levels))).toEqual({
        problem: 'The device answered with the status 200 and a payload nested more than 64 levels deep.',
      })
    }
  })

  test.each([['tea'], ['[1'], [']'], ['"']])('that is not JSON is none: %s', (payload) => {
    expect(read(payload)).toEqual({ problem: expect.stringMatching(/not JSON/) })
  })

  test.each([
    ['a byte that begins no character', [0x22, 0xff, 0x22]],
    ['half of a surrogate pair', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ])('that is not UTF-8 is none, and none of it becomes another text: %s', (_what, bytes) => {
    expect(readResponse(200, Uint8Array.from(bytes), 64)).toEqual({
      problem: 'The device answered with the status 200 and a payload that is not UTF-8.',
    })
  })

  test('may be 128 KB and not one byte more', () => {
    expect(read(`"${'x'.repeat(128 * 1024 - 2)}"`)).toHaveProperty('status', 200)
    expect(read(`"${'x'.repeat(128 * 1024 - 1)}"`)).toEqual({ problem: expect.stringMatching(/131073 bytes/) })
  })
})
