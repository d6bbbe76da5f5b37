import { expect, test } from 'vitest'
import { hasExpired, readTokenText } from '../../../src/console/hub/token-text.ts'

const token = 'SharedAccessSignature sr=localhost&sig=a%2Bb%3D&se=1772370000&skn=iothubowner'
const jwt = `e30.${btoa('{"exp":1772370000}').replaceAll('=', '')}.sig-na_ture`
const problem = (text: string): string => {
  const read = readTokenText(text)
  return 'problem' in read ? read.problem : `taken: ${read.token}`
}

test('a token is taken as it was printed, quoted, broken over lines, or with the name of its header', () => {
  const broken = `${token.slice(0, 40)}\n${token.slice(40)}`
  for (const text of [
    token,
    ` ${token}\n`,
    `"${token}"`,
    `Authorization: ${token}`,
    `authorization:${token}`,
    broken,
  ]) {
    expect(readTokenText(text)).toEqual({ token })
  }
})

test('a text that is not a token is recognized: nothing, a connection string, a part of one', () => {
  expect(problem('  ')).toBe('Paste a token.')
  expect(problem('HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=x')).toContain('connection string')
  expect(problem('Bearer abc')).toContain('starts with')
  expect(problem('SharedAccessSignature sr=localhost&sig=x')).toContain('(se, skn)')
})

test('the token of a person is taken, too', () => {
  const person = `Bearer ${jwt}`
  for (const text of [person, `authorization: ${person}\n`, `bearer  ${jwt}`]) {
    expect(readTokenText(text)).toEqual({ token: person })
  }
  expect(problem(jwt)).toContain('starts with')
})

test('a token has expired from the second on that it names', () => {
  expect(hasExpired(token, 1_772_370_000_000 - 1)).toBe(false)
  expect(hasExpired(token, 1_772_370_000_000)).toBe(true)
  expect(hasExpired(`Bearer ${jwt}`, 1_772_370_000_000 - 1)).toBe(false)
  expect(hasExpired(`Bearer ${jwt}`, 1_772_370_000_000)).toBe(true)
})
