import { expect, test } from 'vitest'
import { textLines } from '../../src/cli/text-lines.ts'

async function linesOf(parts: readonly string[], longest?: number): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of textLines(
    (async function* () {
      yield* parts
    })(),
    longest,
  )) {
    lines.push(line)
  }
  return lines
}

test('lines are found in any parts, and the last one needs no end', async () => {
  expect(await linesOf(['a', 'b\n', '\ncd\ne'])).toEqual(['ab', '', 'cd', 'e'])
})

test('of a line that is too long, no more than a part is kept', async () => {
  const parts = Array.from({ length: 100 }, () => 'x'.repeat(50))
  const [long = '', next] = await linesOf([...parts, '\nb\n'], 10)
  expect(long.length).toBeGreaterThan(10)
  expect(long.length).toBeLessThan(100)
  expect(next).toBe('b')
})
