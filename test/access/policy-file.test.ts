import { expect, test } from 'vitest'
import { defaultPolicies } from '../../src/access/policy.ts'
import { parsePolicies, printPolicies } from '../../src/access/policy-file.ts'
import { InvalidInputError } from '../../src/errors.ts'

const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const defaults = defaultPolicies.map((policy) => ({ ...policy, primaryKey: key(1), secondaryKey: key(2) }))
const added = {
  name: 'reporting',
  rights: new Set(['registryRead'] as const),
  primaryKey: key(3),
  secondaryKey: key(4),
}

test('what is printed reads as what it was, an added policy too', () => {
  expect(parsePolicies(printPolicies([...defaults, added]))).toEqual([...defaults, added])
})

/** The file with a change to its entries. */
const changed = (change: (entries: Record<string, unknown>[]) => unknown): string => {
  const entries: Record<string, unknown>[] = JSON.parse(printPolicies([...defaults, added]))
  const result = change(entries)
  return JSON.stringify(result ?? entries)
}

test.each<[string, string, readonly string[], RegExp]>([
  ['no JSON', '[', [], /must contain JSON/],
  ['no list', '{}', [], /must contain a list/],
  ['a missing default', changed((entries) => entries.slice(1)), [], /"iothubowner" is missing/],
  ['two of a name', changed((entries) => [...entries, entries[5]]), ['6', 'name'], /policy "reporting" occurs twice/],
  [
    'a name that is none',
    changed((entries) => {
      if (entries[5]) entries[5].name = 'a b'
    }),
    ['5', 'name'],
    /letters/,
  ],
  [
    'an unknown right',
    changed((entries) => {
      if (entries[5]) entries[5].rights = ['root']
    }),
    ['5', 'rights'],
    /registryRead/,
  ],
  [
    'other rights of a default',
    changed((entries) => {
      if (entries[1]) entries[1].rights = ['registryRead']
    }),
    ['1', 'rights'],
    /cannot be changed/,
  ],
  [
    'a short key',
    changed((entries) => {
      if (entries[5]) entries[5].secondaryKey = 'c2hvcnQ='
    }),
    ['5', 'secondaryKey'],
    /16 to 64/,
  ],
  ['too many', changed((entries) => Array.from({ length: 17 }, () => entries[5])), [], /17 policies\. At most 16/],
])('%s is refused, and where it is said', (_, text, path, message) => {
  const refusal = (() => {
    try {
      return parsePolicies(text)
    } catch (error) {
      return error
    }
  })()
  expect(refusal).toBeInstanceOf(InvalidInputError)
  expect(refusal).toMatchObject({ path, message: expect.stringMatching(message) })
})
