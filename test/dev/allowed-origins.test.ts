import { expect, test } from 'vitest'
import { withOrigin } from '../../dev/allowed-origins.ts'
import { readConfig } from '../../src/config.ts'

const page = 'http://localhost:5173'

test.each([
  [undefined, page],
  ['', page],
  ['https://a.example', `https://a.example,${page}`],
  ['https://a.example, https://b.example', `https://a.example, https://b.example,${page}`],
  ['*', '*'],
])('ALLOWED_ORIGINS of %j becomes %j for the console', (given, expected) => {
  expect(withOrigin(given, page)).toBe(expected)
})

test('a hub without settings accepts what is set for the console', () => {
  expect(readConfig({ ALLOWED_ORIGINS: withOrigin(undefined, page) }, '/').allowedOrigins).toEqual([page])
})
