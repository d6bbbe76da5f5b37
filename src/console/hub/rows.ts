/**
 * The known rows at their places, each as it was read again, from the first one on. Those that should have been among
 * what was read and were not are gone. `others` counts the rows that were read and are not among the known ones.
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

/** Of rows with the same key, the first. */
export function withoutDoubles<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  const seen = new Set<string>()
  return rows.filter((row) => {
    const key = keyOf(row)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
