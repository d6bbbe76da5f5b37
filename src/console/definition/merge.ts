/** What a subscription has reported of the rows of a list. */
export type Report<Row> = {
  /** In their present state. */
  readonly changed: readonly Row[]
  /** The IDs of rows that no longer exist. */
  readonly gone: readonly string[]
}

/**
 * The rows as they are now, by name; the same array when nothing is reported. While the list has more pages, rows after its
 * last one are left out, because they will be read with their page.
 */
export function mergeReport<Row extends { readonly id: string }>(
  rows: readonly Row[],
  { changed, gone }: Report<Row>,
  { nameOf, hasMore }: { readonly nameOf: (row: Row) => string; readonly hasMore: boolean },
): readonly Row[] {
  if (changed.length + gone.length === 0) return rows
  const last = rows.at(-1)
  const isWithin = (row: Row): boolean => !hasMore || (last !== undefined && nameOf(row) < nameOf(last))
  const present = new Map(rows.map((row) => [row.id, row]))
  for (const id of gone) present.delete(id)
  for (const row of changed) if (present.has(row.id) || isWithin(row)) present.set(row.id, row)
  return [...present.values()].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
}
