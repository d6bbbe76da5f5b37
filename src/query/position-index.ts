import type { Position } from './ast.ts'

/** The index of a position in its text. */
export function indexAt(text: string, { line, column }: Position): number {
  const before = text.split('\n').slice(0, line - 1)
  return before.reduce((length, { length: more }) => length + more + 1, column - 1)
}
