import { widthOf } from './style.ts'

/**
 * Lines with the cells of the rows in columns, two spaces apart. The columns from index `rightFrom` on are
 * right-aligned.
 */
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
