import { widthOf } from './style.ts'

/** Rows in columns, two blanks between them; columns of numbers are to be ranged right. */
export function table(rows: readonly (readonly string[])[], rightFrom = Number.POSITIVE_INFINITY): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
  }
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const blanks = ' '.repeat((widths[index] ?? 0) - widthOf(cell))
        return index >= rightFrom ? blanks + cell : cell + blanks
      })
      .join('  ')
      .trimEnd(),
  )
}
