import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { checkNaming, type NamingInput } from '../../src/job/naming.ts'

const nothing = { name: null, description: null, labels: null }

function refusedAt(input: NamingInput): string {
  try {
    checkNaming(input)
  } catch (error) {
    if (error instanceof InvalidInputError) return error.path.join('/')
    throw error
  }
  throw new Error('not refused')
}

test('what is left out, null, or an empty description or list of labels is nothing', () => {
  expect(checkNaming({})).toEqual(nothing)
  expect(checkNaming({ name: null, description: null, labels: null })).toEqual(nothing)
  expect(checkNaming({ description: '', labels: [] })).toEqual(nothing)
})

test('a name, a description and labels are kept as they are given', () => {
  const labels = [
    { name: 'ticket', value: 'OPS-7' },
    { name: 'a/b.c_d-1', value: '' },
    { name: '__proto__', value: 'ü' },
  ]
  const naming = checkNaming({ name: ' Night ', description: 'x'.repeat(2000), labels })
  expect(naming).toMatchObject({ name: ' Night ', description: 'x'.repeat(2000) })
  expect(Object.entries(naming.labels ?? {})).toEqual(labels.map(({ name, value }) => [name, value]))
})

describe('a member that breaks a rule is refused with its path:', () => {
  const label = (name: unknown, value: unknown = 'x') => ({ labels: [{ name, value }] })
  test.each<[string, NamingInput, string]>([
    ['an empty name', { name: '' }, 'name'],
    ['a name of 201 characters', { name: 'x'.repeat(201) }, 'name'],
    ['a name with U+0000', { name: 'a\0' }, 'name'],
    ['a name that is a number', { name: 7 }, 'name'],
    ['a description of 2001 characters', { description: 'x'.repeat(2001) }, 'description'],
    ['labels that are no list', { labels: { a: 'b' } }, 'labels'],
    ['21 labels', { labels: Array.from({ length: 21 }, (_, n) => ({ name: `l${n}`, value: '' })) }, 'labels'],
    ['an empty name of a label', label(''), 'labels/0/name'],
    ['a name of a label with a space', label('a b'), 'labels/0/name'],
    ['a name of a label with 65 characters', label('x'.repeat(65)), 'labels/0/name'],
    ['a value of 201 characters', label('a', 'x'.repeat(201)), 'labels/0/value'],
    ['a value with U+0000', label('a', '\0'), 'labels/0/value'],
    ['a label without a value', { labels: [{ name: 'a' }] }, 'labels/0/value'],
    ['null as a label', { labels: [null] }, 'labels/0/name'],
    ['a label that is given twice', { labels: [...label('a').labels, ...label('a').labels] }, 'labels/1/name'],
  ])('%s', (_what, input, path) => {
    expect(refusedAt(input)).toBe(path)
  })
})
