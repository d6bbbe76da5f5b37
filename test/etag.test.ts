import { describe, expect, test } from 'vitest'
import { etagMatches, etagOf, parseEtag } from '../src/etag.ts'

describe('etags', () => {
  test.each([
    [1, 'AAAAAAAAAAE='],
    [2, 'AAAAAAAAAAI='],
    [256, 'AAAAAAAAAQA='],
    [2 ** 40, 'AAABAAAAAAA='],
  ])('the etag of %i is %s', (counter, etag) => {
    expect(etagOf(counter)).toBe(etag)
  })

  test.each<readonly [ifMatch: string, matches: boolean]>([
    ['*', true],
    ['"*"', true],
    ['"AAAAAAAAAAE="', true],
    [' "AAAAAAAAAAE=" ', true],
    ['AAAAAAAAAAE=', true],
    ['"AAAAAAAAAAI="', false],
    ['AAAAAAAAAAI=', false],
    ['W/"AAAAAAAAAAE="', false],
    ['"AAAAAAAAAAE=', false],
    ['"AAAAAAAAAAI=", "AAAAAAAAAAE="', true],
    ['"AAAAAAAAAAI=", "AAAAAAAAAAM="', false],
    ['"AAAAAAAAAAI=", "*"', false],
    ['', false],
    ['""', false],
  ])('If-Match %s on the first version: %s', (ifMatch, matches) => {
    expect(etagMatches(ifMatch, 1)).toBe(matches)
  })

  test('quotes are taken off in pairs only', () => {
    expect(['"a"', 'a', '"a', '"'].map(parseEtag)).toEqual(['a', 'a', '"a', '"'])
  })
})
