import { CombinedError } from 'urql'
import { expect, test } from 'vitest'
import { isHiddenPart, withoutHiddenParts } from '../../../src/console/hub/hidden-parts.ts'

const hidden = { message: 'hidden', extensions: { code: 'FORBIDDEN', missing: { scope: "tags.site = 'north'" } } }
const forbidden = { message: 'forbidden', extensions: { code: 'FORBIDDEN', missing: { right: 'readTwins' } } }

test('an error about the scope says that a part is hidden, and one about a right does not', () => {
  expect([hidden, forbidden, {}].map(isHiddenPart)).toEqual([true, false, false])
})

test('an answer of which parts are hidden has no other error', () => {
  expect(withoutHiddenParts(new CombinedError({ graphQLErrors: [hidden, hidden] }))).toBeUndefined()
  const rest = withoutHiddenParts(new CombinedError({ graphQLErrors: [hidden, forbidden] }))
  expect(rest?.graphQLErrors.map(({ message }) => message)).toEqual(['forbidden'])
})

test('an error of the connection stays', () => {
  const error = new CombinedError({ networkError: new Error('lost') })
  expect(withoutHiddenParts(error)).toBe(error)
})
