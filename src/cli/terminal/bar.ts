import type { Style } from './style.ts'

/** One part of a bar. */
export type Part = { readonly count: number; readonly sign: string; readonly paint: keyof Style }

/**
 * How many cells of `width` each count gets: in proportion, the rounding left to the largest remainders, and at least one
 * for whatever is not zero (while there is room), because a single failure among thousands is what one looks for.
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

/** Adds to the cell that ranks highest. */
function change(cells: number[], difference: number, rank: (index: number) => number): void {
  const highest = [...cells.keys()].reduce((best, index) => (rank(index) > rank(best) ? index : best), 0)
  cells[highest] = (cells[highest] ?? 0) + difference
}

/** A bar of `width` columns; all faint dots while there is nothing to count. */
export function bar(parts: readonly Part[], width: number, style: Style): string {
  const cells = cellsOf(
    parts.map((part) => part.count),
    width,
  )
  if (sum(cells) === 0) return style.faint('·'.repeat(width))
  return parts.map((part, index) => style[part.paint](part.sign.repeat(cells[index] ?? 0))).join('')
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
