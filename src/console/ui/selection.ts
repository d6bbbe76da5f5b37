import { useState } from 'react'

/** Which rows are selected, by their keys, and the row at which a range begins. */
export type Chosen = { readonly keys: ReadonlySet<string>; readonly anchor: string | undefined }

/** No row. */
export const noneChosen: Chosen = { keys: new Set(), anchor: undefined }

/**
 * Selects the row with this key, or no longer. A range does the same with all rows from the one that was clicked
 * before. `keys` are those of the list, in its order.
 */
export function toggleRow(
  { keys, anchor }: Chosen,
  list: readonly string[],
  key: string,
  { isRange }: { readonly isRange: boolean },
): Chosen {
  const changed = new Set(keys)
  const start = isRange && anchor !== undefined ? list.indexOf(anchor) : -1
  const end = list.indexOf(key)
  const range = start === -1 ? [key] : list.slice(Math.min(start, end), Math.max(start, end) + 1)
  for (const one of range) {
    if (keys.has(key)) changed.delete(one)
    else changed.add(one)
  }
  return { keys: changed, anchor: key }
}

/** Selects all rows of the list, or none of them if all are selected. */
export function toggleRows({ keys }: Chosen, list: readonly string[]): Chosen {
  return list.every((key) => keys.has(key)) ? noneChosen : { keys: new Set(list), anchor: undefined }
}

/** The selected rows of a table, and what changes them. */
export type Selection<Row> = {
  /** In the order of the list. */
  readonly rows: readonly Row[]
  /** What a row is called, for screen readers. */
  readonly nameOf: (row: Row) => string
  readonly has: (row: Row) => boolean
  readonly toggle: (row: Row, range: { readonly isRange: boolean }) => void
  readonly toggleAll: () => void
  readonly clear: () => void
}

/**
 * The selection of a list. Rows that leave the list are no longer selected. `list` identifies the filters: others begin
 * without a selection.
 */
export function useSelection<Row>(
  list: string,
  rows: readonly Row[],
  { keyOf, nameOf }: { readonly keyOf: (row: Row) => string; readonly nameOf: (row: Row) => string },
): Selection<Row> {
  const [state, setState] = useState({ list, chosen: noneChosen })
  const chosen = state.list === list ? state.chosen : noneChosen
  const set = (change: Chosen): void => setState({ list, chosen: change })
  const keys = (): readonly string[] => rows.map(keyOf)
  return {
    rows: chosen.keys.size === 0 ? [] : rows.filter((row) => chosen.keys.has(keyOf(row))),
    nameOf,
    has: (row) => chosen.keys.has(keyOf(row)),
    toggle: (row, range) => set(toggleRow(chosen, keys(), keyOf(row), range)),
    toggleAll: () => set(toggleRows(chosen, keys())),
    clear: () => set(noneChosen),
  }
}
