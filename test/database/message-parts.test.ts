import { expect, test } from 'vitest'
import { createPartJoiner, splitText } from '../../src/database/message-parts.ts'

/** What is put together from parts that these senders sent, in this order. */
function joined(sent: readonly (readonly [from: number, part: string])[]): string[] {
  const join = createPartJoiner()
  const texts: string[] = []
  for (const [from, part] of sent) join(from, part, (text) => texts.push(text))
  return texts
}

test.each([
  ['nothing', ''],
  ['a word', 'word'],
  ['just one part', 'x'.repeat(2_600)],
  ['a character of two halves at the end of a part', `${'x'.repeat(2_599)}\u{1f600}y`],
  ['characters of three bytes', '€'.repeat(10_000)],
])('a text arrives as it was, in parts that fit: %s', (_what, text) => {
  const parts = splitText(text, '1')
  for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThan(8_000)
  expect(joined(parts.map((part) => [1, part]))).toEqual([text])
})

test('parts of different senders may alternate', () => {
  const [one, other] = ['a'.repeat(5_000), 'b'.repeat(5_000)]
  const [ones, others] = [splitText(one, '1'), splitText(other, '1')]
  const sent = ones.flatMap((part, index): [number, string][] => [
    [1, part],
    [2, others[index] ?? ''],
  ])
  expect(joined(sent)).toEqual([one, other])
})

test('what is no part is dropped, and so is a message without its end, or one that is too long', () => {
  const endless = Array.from({ length: 500 }, (_, index): [number, string] => [1, `4/${index}+${'x'.repeat(2_600)}`])
  const sent = [
    [1, 'hello'],
    [1, '1/0+begun'],
    [1, '2/0.next'],
    [1, '3/1.end'],
    ...endless,
    [1, '4/500.end'],
    [1, '5/0.last'],
  ] as const
  expect(joined(sent)).toEqual(['next', 'last'])
})
