import { expect, test } from 'vitest'
import { headOf, linesOf } from '../../../src/console/export/text.ts'

const fields = ['id', 'value'].map((name) => ({ name, value: (row: Readonly<Record<string, unknown>>) => row[name] }))
const csv = (value: unknown): string => linesOf('csv', fields, [{ id: 1, value }])

test('CSV has a byte order mark, by which Excel recognises UTF-8, a head, a line for each row, and line ends of RFC 4180', () => {
  expect(headOf('csv', fields)).toBe('\uFEFFid,value\r\n')
  expect(linesOf('csv', fields, [{ id: 'a', value: 'b' }, { id: 'c' }, { id: 'd', value: null }])).toBe(
    'a,b\r\nc,\r\nd,\r\n',
  )
  expect(linesOf('csv', fields, [])).toBe('')
})

test('CSV quotes what would end a value', () => {
  expect(csv('a,b')).toBe('1,"a,b"\r\n')
  expect(csv('say "no"')).toBe('1,"say ""no"""\r\n')
  expect(csv('two\nlines')).toBe('1,"two\nlines"\r\n')
  expect(csv({ a: [1, '2'] })).toBe('1,"{""a"":[1,""2""]}"\r\n')
})

test.each(['=', '+', '-', '@', '\t', '\r'])('CSV makes a text of a value that begins with %j', (first) => {
  expect(csv(`${first}1`)).toMatch(/^1,"?'/)
  expect(csv(`1${first}`)).not.toContain("'")
})

test('CSV quotes the apostrophe with its value, and leaves numbers as they are', () => {
  expect(csv('=HYPERLINK("http://a","b")')).toBe('1,"\'=HYPERLINK(""http://a"",""b"")"\r\n')
  expect(csv(-3)).toBe('1,-3\r\n')
  expect(csv(false)).toBe('1,false\r\n')
})

test('lines of JSON have all fields, with values and texts as they are', () => {
  expect(headOf('jsonl', fields)).toBe('')
  expect(linesOf('jsonl', fields, [{ id: '=1', value: { a: [1] } }, { id: 'two\nlines' }])).toBe(
    '{"id":"=1","value":{"a":[1]}}\n{"id":"two\\nlines","value":null}\n',
  )
})

test('a name of a column that is a formula becomes a text', () => {
  expect(headOf('csv', [{ name: '=a', value: () => 1 }])).toBe("\uFEFF'=a\r\n")
})
