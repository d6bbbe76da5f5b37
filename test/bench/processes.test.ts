import { expect, test } from 'vitest'
import { parseStat } from '../../bench/processes.ts'

test('a process with blanks and parentheses in its name gives its parent and its CPU time in microseconds', () => {
  const text = '4711 (postgres: a) b (c)) S 815 4711 4711 0 -1 4194304 5 6 7 8 12 3 40 5 20 0 1 0 99 1000 200 0'
  expect(parseStat(text)).toEqual({ pid: 4711, parent: 815, own: 150_000, ended: 450_000 })
})
