import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { csvLines, jsonLines, type Line } from '../../../src/cli/import/lines.ts'

async function linesIn(lines: AsyncIterable<Line>): Promise<readonly Line[]> {
  const all: Line[] = []
  for await (const line of lines) all.push(line)
  return all
}

const input = (...parts: readonly (string | Buffer)[]): Readable =>
  Readable.from(parts.map((part) => Buffer.from(part)))

test('lines end with either line end, and may begin with a byte order mark and arrive in any parts', async () => {
  const bytes = Buffer.from('\ufeff{"deviceId": "ä"}\r\n\n{"deviceId": "b"}')
  const expected = [
    { line: 1, device: { deviceId: 'ä' } },
    { line: 3, device: { deviceId: 'b' } },
  ]
  for (let at = 0; at <= bytes.length; at++) {
    expect(await linesIn(jsonLines(input(bytes.subarray(0, at), bytes.subarray(at))))).toEqual(expected)
  }
})

test('a broken line far down is named by its number, and the lines after it are read', async () => {
  const good = '{"deviceId": "a"}\n'
  const lines = await linesIn(jsonLines(input(good.repeat(70_000), '{"deviceId": "a"\n', good)))
  expect(lines).toHaveLength(70_002)
  expect(lines.filter((line) => 'problem' in line)).toEqual([{ line: 70_001, problem: 'This is not JSON.' }])
})

test('a line that is too long is refused without being kept, and reading continues after it', async () => {
  const long = Array.from({ length: 50 }, () => 'x'.repeat(100_000))
  expect(await linesIn(jsonLines(input(...long, '\n{"deviceId": "b"}\n')))).toEqual([
    { line: 1, problem: 'This line has more than a million characters.' },
    { line: 2, device: { deviceId: 'b' } },
  ])
})

test.each(['12345678901234567890', '1e999'])('the number %s is refused in a line and in a column', async (number) => {
  const problem = expect.stringContaining(`The number ${number} is not one that the hub can store`)
  expect(await linesIn(jsonLines(input(`{"deviceId": "a", "tags": {"n": ${number}}}`)))).toEqual([{ line: 1, problem }])
  expect(await linesIn(csvLines(input(`deviceId,tags\na,"{""n"": ${number}}"\n`)))).toEqual([{ line: 2, problem }])
})

test('a row of CSV whose quote is not closed ends the reading before the rest of the file is kept', async () => {
  const rest = `${'x'.repeat(1_000)}\n`.repeat(100)
  let taken = 0
  const parts = function* () {
    yield Buffer.from('deviceId,tags\na,\nb,"{\n')
    for (; taken < 1_000; taken++) yield Buffer.from(rest)
  }
  const lines = csvLines(Readable.from(parts()))
  expect((await lines.next()).value).toEqual({ line: 2, device: { deviceId: 'a' } })
  await expect(lines.next()).rejects.toThrow('A row has more than a million characters')
  expect(taken).toBeLessThan(100)
})
