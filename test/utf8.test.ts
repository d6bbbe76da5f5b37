import { describe, expect, test } from 'vitest'
import { bodyText, utf8Text } from '../src/utf8.ts'

describe('bytes', () => {
  test.each(['', 'plain', 'é', '😀', '\0', '\uFEFFmarked', '\uFFFD'])(
    'of UTF-8 are the text that they are: %j',
    (text) => {
      expect(utf8Text(Buffer.from(text))).toBe(text)
    },
  )

  test('are read where they lie in a larger piece', () => {
    expect(utf8Text(Buffer.from('abcé').subarray(3))).toBe('é')
    expect(utf8Text(new Uint8Array([0xff, 0x61, 0xff]).subarray(1, 2))).toBe('a')
  })

  test.each([
    ['a byte that begins nothing', [0x22, 0xff, 0x22]],
    ['a character that is cut off', [0x61, 0xc3]],
    ['a character that is longer than it need be', [0xc0, 0x80]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character beyond the last one', [0xf4, 0x90, 0x80, 0x80]],
  ])('that are not UTF-8 are no text: %s', (_what, bytes) => {
    expect(utf8Text(Uint8Array.from(bytes))).toBeUndefined()
    expect(bodyText(Uint8Array.from(bytes))).toBeUndefined()
  })

  test('of a body may begin with a byte order mark, which is no part of the text', () => {
    expect(bodyText(Buffer.from('\uFEFF{}'))).toBe('{}')
    expect(bodyText(Buffer.from('{"a":"\uFEFF"}'))).toBe('{"a":"\uFEFF"}')
  })
})
