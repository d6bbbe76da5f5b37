import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../src/cursor.ts'

const tokenOf = (json: string | Uint8Array) => Buffer.from(json).toString('base64url')

describe('a cursor', () => {
  test.each([[[]], [['a']], [['2026-01-01T00:00:00.000Z', 'pump-1']], [['', '\0', '"', '\u{1f600}', '\ufeff']]])(
    'gives the keys back: %j',
    (keys) => {
      expect(decodeCursor('jobs', encodeCursor('jobs', keys))).toEqual(keys)
    },
  )

  test('fits a header, whatever the keys hold', () => {
    expect(encodeCursor('jobs', ['\n', '\u{1f600}', 'ÿ?>'])).toMatch(/^[\w-]+$/)
  })

  test('of another list is refused', () => {
    expect(decodeCursor('jobs:asc', encodeCursor('jobs:desc', ['a']))).toBeUndefined()
    expect(decodeCursor('', encodeCursor('jobs', ['a']))).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['a word', 'page 2'],
    ['signs beyond ASCII', '\u{1f600}'],
    ['a token that is cut off', encodeCursor('jobs', ['a', 'b']).slice(0, -4)],
    ['an object', tokenOf('{"0":"jobs"}')],
    ['an empty list', tokenOf('[]')],
    ['a key that is a number', tokenOf('["jobs",1]')],
    ['a key that is null', tokenOf('["jobs",null,"a"]')],
    ['bytes that are not UTF-8', tokenOf(Uint8Array.from([...Buffer.from('["jobs","'), 0xff, ...Buffer.from('"]')]))],
  ])('is refused when it is %s', (_what, token) => {
    expect(decodeCursor('jobs', token)).toBeUndefined()
  })
})
