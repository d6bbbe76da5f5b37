import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstUnstorable } from '../../src/query/characters.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { printPath } from '../../src/query/path.ts'

test.each([
  [['tags', 'site'], 'tags.site'],
  [['properties', 'reported', '$version'], 'properties.reported.$version'],
  [['tags', 'my-tag', 'größe', 'x1'], 'tags.my-tag.größe.x1'],
  [['tags', 'first floor'], 'tags.[[first floor]]'],
  [['tags', 'a.b'], 'tags.[[a.b]]'],
  [['tags', '1st'], 'tags.[[1st]]'],
  [['tags', 'a-'], 'tags.[[a-]]'],
  [['tags', 'a--b'], 'tags.[[a--b]]'],
  [['tags', 'Order'], 'tags.[[Order]]'],
  [['tags', 'true'], 'tags.true'],
  [['tags', 'a]b'], 'tags.[[a]b]]'],
])('%j is written %s', (segments, text) => {
  expect(printPath(segments)).toBe(text)
})

test.each(['a]]b', 'a]'])('a name like %s cannot be written', (name) => {
  expect(printPath(['tags', name])).toBeUndefined()
})

test('what is written is read back as the same path', () => {
  const name = fc
    .oneof(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.constantFrom('a-b', '-', 'in', 'null', '[[', ']', '.'))
    .filter((text) => firstUnstorable(text) === -1)
  fc.assert(
    fc.property(fc.array(name, { maxLength: 4 }), (names) => {
      const segments = ['tags', ...names]
      const text = printPath(segments)
      fc.pre(text !== undefined)
      expect(parseCondition(`${text} = 1`)).toMatchObject({ expression: { left: { kind: 'path', segments } } })
    }),
    { numRuns: 500 },
  )
})
