/**
 * The known rows in their places, updated from the rows that were read again from the first one on. Known rows that
 * should have been among the rows read, and were not, are removed. `others` is the number of rows read that were not
 * known.
 */
export function refreshRows<Row>(
  known: readonly Row[],
  read: readonly Row[],
  keyOf: (row: Row) => string,
): { readonly rows: readonly Row[]; readonly others: number } {
  const latest = new Map(read.map((row) => [keyOf(row), row]))
  const reached = known.findLastIndex((row) => latest.has(keyOf(row)))
  const rows = known.flatMap((row, index) => latest.get(keyOf(row)) ?? (index < reached ? [] : row))
  for (const row of known) latest.delete(keyOf(row))
  return { rows, others: latest.size }
}

/** The rows without those whose key has occurred before. */
export function withoutDoubles<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  const seen = new Set<string>()
  return rows.filter((row) => {
    const key = keyOf(row)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
