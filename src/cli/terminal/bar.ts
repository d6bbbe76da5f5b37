import type { Style } from './style.ts'

/** One part of a bar. */
export type Part = { readonly count: number; readonly sign: string; readonly paint: keyof Style }

/**
 * How many of `width` cells each count gets. Cells are proportional to counts, and the cells left over by rounding go
 * to the largest remainders. A count above zero gets at least one cell while there is room, because users look for the
 * single failure among thousands.
 */
export function cellsOf(counts: readonly number[], width: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return counts.map(() => 0)
  const exact = counts.map((count) => (count * width) / total)
  const cells = exact.map((share) => (share === 0 ? 0 : Math.max(1, Math.floor(share))))
  let rest = width - sum(cells)
  for (; rest > 0; rest--) change(cells, 1, (index) => (exact[index] ?? 0) - (cells[index] ?? 0))
  for (; rest < 0; rest++) change(cells, -1, (index) => cells[index] ?? 0)
  return cells
}

/** Adds `difference` to the element that ranks highest. */
function change(cells: number[], difference: number, rank: (index: number) => number): void {
  const highest = [...cells.keys()].reduce((best, index) => (rank(index) > rank(best) ? index : best), 0)
  cells[highest] = (cells[highest] ?? 0) + difference
}

/** A bar of `width` columns. While all counts are zero, it consists of faint dots. */
export function bar(parts: readonly Part[], width: number, style: Style): string {
  const cells = cellsOf(
    parts.map((part) => part.count),
    width,
  )
  if (sum(cells) === 0) return style.faint('·'.repeat(width))
  return parts.map((part, index) => style[part.paint](part.sign.repeat(cells[index] ?? 0))).join('')
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
