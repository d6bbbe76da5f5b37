import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bar, cellsOf } from '../../src/cli/terminal/bar.ts'
import { createScreen } from '../../src/cli/terminal/screen.ts'
import { clip, coloured, plain, widthOf } from '../../src/cli/terminal/style.ts'
import { table } from '../../src/cli/terminal/table.ts'

test.each([
  [[50, 50], 10, [5, 5]],
  [[1, 1, 1], 10, [4, 3, 3]],
  [[999, 1], 10, [9, 1]],
  [[0, 7], 10, [0, 10]],
  [[0, 0], 10, [0, 0]],
  [[1_000_000, 1, 1, 1], 3, [0, 1, 1, 1]],
])('counts %j in a bar of %i columns take %j cells', (counts, width, cells) => {
  expect(cellsOf(counts, width)).toEqual(cells)
})

test('a bar is as wide as it shall be, and shows whatever there is one of', () => {
  const counts = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(counts, fc.integer({ min: 5, max: 200 }), (counts, width) => {
      const cells = cellsOf(counts, width)
      const total = counts.reduce((sum, count) => sum + count, 0)
      expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(total === 0 ? 0 : width)
      for (const [index, count] of counts.entries()) expect((cells[index] ?? 0) > 0).toBe(count > 0)
    }),
  )
})

test('a bar of nothing is dots', () => {
  expect(bar([{ count: 0, sign: '█', paint: 'good' }], 4, plain)).toBe('····')
})

test('text is clipped by the columns it takes, not by its colour codes', () => {
  const text = `${coloured.good('abc')}${coloured.bad('def')}`
  expect(widthOf(text)).toBe(6)
  expect(clip(text, 6)).toBe(text)
  expect(clip(text, 5)).toBe(`${coloured.good('abc')}${coloured.bad('d')}…`)
  expect(widthOf(clip(text, 5))).toBe(5)
})

test('columns are as wide as their widest cell, whatever its colour', () => {
  const rows = [
    ['job', 'n'],
    [coloured.good('a'), '100'],
  ]
  expect(table(rows, 1)).toEqual(['job    n', `${coloured.good('a')}    100`])
})

const screenOn = (terminal: { isTTY?: boolean; columns?: number }, env: Record<string, string> = {}) => {
  let written = ''
  const output = { ...terminal, write: (text: string) => (written += text) }
  return { screen: createScreen(output, { TERM: 'xterm', ...env }), taken: () => written }
}

test('where nobody watches, live lines are not written and nothing is coloured', () => {
  const { screen, taken } = screenOn({})
  screen.live(['half-way'])
  screen.print(screen.style.good('done'))
  screen.close()
  expect(taken()).toBe('done\n')
})

test('live lines are written over, clipped to the terminal, and gone when a line is printed', () => {
  const { screen, taken } = screenOn({ isTTY: true, columns: 6 })
  screen.live(['1234567', 'b'])
  screen.live(['1234567', 'c'])
  screen.print('done')
  expect(taken()).toBe(
    '\u001b[?25l1234…\u001b[K\nb\u001b[K\n\u001b[J' +
      '\u001b[2A\r1234…\u001b[K\nc\u001b[K\n\u001b[J' +
      '\u001b[2A\r\u001b[Jdone\n',
  )
})

test('live lines that have not changed are not written again', () => {
  const { screen, taken } = screenOn({ isTTY: true })
  screen.live(['a'])
  const once = taken()
  screen.live(['a'])
  expect(taken()).toBe(once)
})

test('a terminal has its cursor back after close, and once is enough', () => {
  const { screen, taken } = screenOn({ isTTY: true })
  screen.live(['a'])
  screen.close()
  expect(taken().endsWith('\u001b[1A\r\u001b[J\u001b[?25h')).toBe(true)
  const closed = taken()
  screen.close()
  expect(taken()).toBe(closed)
})

test.each([
  ['NO_COLOR takes the colours from a terminal', { NO_COLOR: '1' }, true, 'x'],
  ['an empty NO_COLOR does not', { NO_COLOR: '' }, true, coloured.good('x')],
  ['a dumb terminal is not live', { TERM: 'dumb' }, false, 'x'],
])('%s', (_, env, isLive, painted) => {
  const { screen } = screenOn({ isTTY: true }, env)
  expect(screen.isLive).toBe(isLive)
  expect(screen.style.good('x')).toBe(painted)
})
