import { expect, test } from 'vitest'
import { completionsAt } from '../../../src/console/condition/completion.ts'
import { type KnownPath, printValue } from '../../../src/console/condition/completion-options.ts'
import { tokensOf } from '../../../src/console/condition/tokens.ts'

const known: readonly KnownPath[] = [
  { path: 'tags.site', types: ['string'], deviceCount: 90, sampleValues: ['north', "O'Neil"] },
  { path: 'tags.floor', types: ['null', 'number'], deviceCount: 80, sampleValues: [3, 1] },
  { path: 'tags.old', types: ['boolean'], deviceCount: 70, sampleValues: [true] },
  { path: 'tags.[[first use]]', types: ['string'], deviceCount: 5, sampleValues: ['2024'] },
  { path: 'connectionState', types: ['string'], deviceCount: 90, sampleValues: ['Connected'] },
]

/** What is proposed at the bar in a text, and what it would replace. */
function at(marked: string, isAsked = false) {
  const position = marked.indexOf('|')
  const text = marked.replace('|', '')
  const found = completionsAt(text, position, known, isAsked)
  return {
    labels: found?.options.map(({ label }) => label) ?? [],
    replaced: found && text.slice(found.from, found.to),
  }
}

test('where a comparison begins, paths and functions are proposed', () => {
  for (const text of ['si|', 'tags.a = 1 AND si|', 'NOT si|', '(si|', 'IS_DEFINED(si|', 'tags.a + si|']) {
    const { labels, replaced } = at(text)
    expect(labels, text).toEqual(expect.arrayContaining(['tags.site', 'tags.[[first use]]', 'IS_DEFINED(', 'NOT']))
    expect(replaced, text).toBe('si')
  }
})

test('what people select devices by comes before what the hub keeps of them', () => {
  const best = (marked: string) => {
    const options = completionsAt(marked, marked.length, known, true)?.options ?? []
    return [...options].sort((one, other) => (other.boost ?? 0) - (one.boost ?? 0)).map(({ label }) => label)
  }
  expect(best('').slice(0, 5)).toEqual(['tags.site', 'tags.floor', 'tags.old', 'tags.[[first use]]', 'connectionState'])
})

test('a path is completed as a whole, also behind a dot and in brackets', () => {
  expect(at('tags.|')).toMatchObject({ replaced: 'tags.', labels: expect.arrayContaining(['tags.site']) })
  expect(at('tags.[[first u|').replaced).toBe('tags.[[first u')
})

test('an empty editor proposes only when it is asked', () => {
  expect(at('|').labels).toEqual([])
  expect(at('|', true).labels).toContain('tags.site')
})

test('behind a path come operators, those that its values have', () => {
  expect(at('tags.site |').labels.slice(0, 5)).toEqual(['=', '!=', 'IN [', 'NIN [', '<'])
  expect(at('tags.old |').labels).not.toContain('<')
  expect(at('tags.site A|').labels).toContain('AND')
  expect(at('tags.site I|').replaced).toBe('I')
})

test('behind an operator come the values that devices have there, and paths when one is begun', () => {
  expect(at('tags.site = |').labels).toEqual(["'north'", "'O\\'Neil'"])
  expect(at('tags.site = t|').labels.slice(0, 3)).toEqual(["'north'", "'O\\'Neil'", 'tags.site'])
  expect(at('tags.floor >= |').labels).toEqual(['3', '1', 'null'])
  expect(at('tags.old = |').labels).toEqual(['true', 'false'])
  expect(at('TAGS.[[first use]] = |').labels[0]).toBe("'2024'")
})

test('names of the hub have all values that there are', () => {
  expect(at('connectionstate = |').labels.slice(0, 2)).toEqual(["'Connected'", "'Disconnected'"])
})

test('values stand also in lists and in calls', () => {
  for (const text of ['tags.site IN [|', "tags.site NIN ['x', |", 'STARTSWITH(tags.site, |']) {
    expect(at(text).labels[0], text).toBe("'north'")
  }
  expect(at('tags.site IN |').labels).toEqual(['['])
})

test('a string that was begun is replaced with its end, in the quotes that were used', () => {
  expect(at("tags.site = 'no|")).toMatchObject({ labels: ["'north'", "'O\\'Neil'"], replaced: "'no" })
  expect(at("tags.site = 'no|rth' AND x").replaced).toBe("'north'")
  expect(at('tags.site = "|')).toMatchObject({ labels: ['"north"', `"O'Neil"`], replaced: '"' })
  expect(at("tags.floor = 'no|").labels).toEqual([])
})

test('behind something complete come AND and OR only', () => {
  for (const text of ["tags.site = 'north' |", 'tags.floor IN [1] |', 'IS_DEFINED(tags.site) |', 'tags.a = tags.b |']) {
    expect(at(text).labels, text).toEqual(['AND', 'OR'])
  }
})

test('where nothing helps, nothing is proposed', () => {
  for (const text of ["'a'|", 'tags.floor = 12|', '/* tags.|', '* |', 'tags.site IN [1 |', 'a ? |']) {
    expect(at(text, true).labels, text).toEqual([])
  }
})

test('a value is written so that it is one string, whatever it holds', () => {
  for (const value of ["it's", 'back\\slash', "\\'", 'line\nend', '"', '\u0001']) {
    expect(tokensOf(printValue(value) ?? ''), value).toMatchObject([{ kind: 'string', isOpen: false }])
  }
  expect(printValue('a\nb')).toBe("'a\\u000ab'")
  expect(printValue({})).toBeUndefined()
})
