/** The rows, one of them with other members. */
export function replaceRow<Row>(rows: readonly Row[], place: number, part: Partial<Row>): readonly Row[] {
  return rows.map((row, index) => (index === place ? { ...row, ...part } : row))
}

/** The rows without one of them. */
export function withoutRow<Row>(rows: readonly Row[], place: number): readonly Row[] {
  return rows.filter((_, index) => index !== place)
}
