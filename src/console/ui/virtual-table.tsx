import { useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { formatCount } from '../format.ts'
import { classes } from './classes.ts'
import { Icon } from './icon.tsx'
import { useRowKeys } from './row-keys.ts'
import type { Selection } from './selection.ts'
import { type Sort, turnSort } from './sort.ts'
import styles from './virtual-table.module.css'

/** A column. On narrow screens rows become stacks of their cells, each with the name of its column before it. */
export type Column<Row, Key extends string = string> = {
  readonly id: string
  /** The name, shown in the head of the table, and before the cell on narrow screens. */
  readonly name: string
  /** A track of a CSS grid: `8rem`, `minmax(0, 2fr)`. */
  readonly width: string
  readonly cell: (row: Row) => ReactNode
  readonly align?: 'end'
  /** The order by this column, in the direction that the first click asks for. Without one it cannot be ordered. */
  readonly sort?: Sort<Key>
  /**
   * On narrow screens: `title` stands first, `bare` has a line of its own, `left` and `right` share one, all of them
   * without the column's name; `gone` is left out, as is
   * a cell with nothing but an element that has `data-nothing`.
   */
  readonly narrow?: 'title' | 'bare' | 'left' | 'right' | 'gone'
}

/**
 * The row heights of each table when it was left, by its label, so that users who return find the same scroll position.
 */
const measured = new Map<string, VirtualItem[]>()

/**
 * A table of any length that scrolls with the page and renders only the rows in view. It uses ARIA roles and not
 * `<table>`, because rows are positioned one by one. A link with the class `stretched` in a cell makes its whole row a
 * link. The keys of rows go to that link, or to what is marked with `data-opens-row`. `onEnd` is called when the last
 * rows come into view.
 */
export function VirtualTable<Row, Key extends string = string>({
  label,
  columns,
  rows,
  keyOf,
  rowHeight = 40,
  totalCount,
  onEnd,
  footer,
  sort,
  onSort,
  selection,
}: {
  /** Names the table for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row, Key>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** The estimated height of a row in pixels. Rows are measured when they come into view. */
  readonly rowHeight?: number
  /** How many rows the list has, including those that are not read yet. */
  readonly totalCount?: number | undefined
  readonly onEnd?: (() => void) | undefined
  /** Shown below the last row, such as that more rows are being read or could not be read. */
  readonly footer?: ReactNode
  /** The present order. */
  readonly sort?: Sort<Key>
  readonly onSort?: (sort: Sort<Key>) => void
  /** Gives each row a checkbox. */
  readonly selection?: Selection<Row>
}) {
  const body = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const element = body.current
    if (element === null) return
    const measure = (): void => setTop(element.getBoundingClientRect().top + window.scrollY)
    measure()
    // The content above the table may grow and shrink.
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [])

  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: top,
    initialMeasurementsCache: measured.get(label) ?? [],
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : keyOf(row)
    },
  })
  useEffect(
    () => () => {
      measured.set(label, virtualizer.takeSnapshot())
    },
    [label, virtualizer],
  )
  useRowKeys({
    body,
    rows,
    keyOf,
    onSelect: selection && ((row) => selection.toggle(row, { isRange: false })),
    bringIntoView: (index) => virtualizer.scrollToIndex(index),
  })
  const items = virtualizer.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  const atEnd = rows.length > 0 && last >= rows.length - 10
  const end = useRef(onEnd)
  useEffect(() => {
    end.current = onEnd
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: each longer list may be seen to its end again.
  useEffect(() => {
    if (atEnd) end.current?.()
  }, [atEnd, rows.length])

  return (
    <div
      className={classes(styles.table, selection && styles.selectable)}
      style={{ '--columns': [...(selection ? ['1.1rem'] : []), ...columns.map(({ width }) => width)].join(' ') }}
      role="table"
      aria-label={label}
      aria-rowcount={(totalCount ?? rows.length) + 1}
    >
      <div role="rowgroup" className={classes(styles.head, (onSort ?? selection) && styles.tools)}>
        <div role="row" aria-rowindex={1} className={styles.row}>
          {selection && (
            <div role="columnheader" className={styles.check}>
              <AllRows rows={rows} selection={selection} />
            </div>
          )}
          {columns.map((column) => (
            <Head key={column.id} column={column} sort={sort} onSort={onSort} />
          ))}
        </div>
      </div>
      <div ref={body} role="rowgroup" className={styles.body} style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]
          if (row === undefined) return null
          return (
            <div
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              role="row"
              aria-rowindex={item.index + 2}
              className={classes(styles.row, styles.item, selection?.has(row) && styles.selected)}
              style={{ transform: `translateY(${item.start - top}px)` }}
            >
              {selection && (
                <div role="cell" className={styles.check}>
                  <OneRow row={row} selection={selection} />
                </div>
              )}
              {columns.map(({ id, name, cell, align, narrow }) => (
                <div
                  key={id}
                  role="cell"
                  data-name={name}
                  className={classes(styles.cell, align === 'end' && styles.end, narrow && styles[narrow])}
                >
                  {cell(row)}
                </div>
              ))}
            </div>
          )
        })}
      </div>
      {footer && (
        // Another element once there are rows: the one above them would shift to their end.
        <div key={rows.length === 0 ? 'above' : 'below'} className={styles.footer}>
          {footer}
        </div>
      )}
    </div>
  )
}

/** The head of a column: a button where the hub can order by it. */
function Head<Row, Key extends string>({
  column: { name, align, sort: own },
  sort,
  onSort,
}: {
  readonly column: Column<Row, Key>
  readonly sort: Sort<Key> | undefined
  readonly onSort: ((sort: Sort<Key>) => void) | undefined
}) {
  const look = align === 'end' && styles.end
  if (own === undefined || sort === undefined || onSort === undefined) {
    return (
      <div role="columnheader" className={classes(look)}>
        {name}
      </div>
    )
  }
  const direction = sort.key === own.key ? sort.direction : undefined
  return (
    <div
      role="columnheader"
      aria-sort={direction === undefined ? 'none' : direction === 'ASC' ? 'ascending' : 'descending'}
      className={classes(look, styles.sortable)}
    >
      <button type="button" className={styles.sort} onClick={() => onSort(turnSort(sort, own))}>
        {name} <Icon name={(direction ?? own.direction) === 'ASC' ? 'up' : 'down'} size={11} />
      </button>
    </div>
  )
}

/** Selects all rows that have been read. */
function AllRows<Row>({ rows, selection }: { readonly rows: readonly Row[]; readonly selection: Selection<Row> }) {
  const count = selection.rows.length
  return (
    <label>
      <input
        type="checkbox"
        aria-label={`Select all ${formatCount(rows.length)} loaded rows`}
        disabled={rows.length === 0}
        checked={count > 0 && count === rows.length}
        ref={(input) => {
          if (input !== null) input.indeterminate = count > 0 && count < rows.length
        }}
        onChange={selection.toggleAll}
      />
    </label>
  )
}

/** Selects a row; with Shift, all rows from the one that was clicked before. */
function OneRow<Row>({ row, selection }: { readonly row: Row; readonly selection: Selection<Row> }) {
  return (
    <label>
      <input
        type="checkbox"
        aria-label={`Select ${selection.nameOf(row)}`}
        checked={selection.has(row)}
        onChange={({ nativeEvent }) =>
          selection.toggle(row, { isRange: nativeEvent instanceof MouseEvent && nativeEvent.shiftKey })
        }
      />
    </label>
  )
}
