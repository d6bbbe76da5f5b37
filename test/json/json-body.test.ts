import { expect, test } from 'vitest'
import { isJsonBody } from '../../src/json/json-body.ts'

const json = 'application/json'

test.each([
  [{ 'content-type': json }, true],
  [{ 'content-type': 'Application/JSON; charset=utf-8' }, true],
  [{ 'content-type': json, 'content-encoding': 'Identity' }, true],
  [{}, false],
  [{ 'content-type': 'text/plain' }, false],
  [{ 'content-type': 'text/plain; application/json' }, false],
  [{ 'content-type': `${json}x` }, false],
  [{ 'content-type': json, 'content-encoding': 'gzip' }, false],
  [{ 'content-type': json, 'content-encoding': 'identity, gzip' }, false],
])('the headers %j announce uncompressed JSON: %s', (headers, expected) => {
  expect(isJsonBody(new Headers(headers))).toBe(expected)
})
