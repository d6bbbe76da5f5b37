import { useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { classes } from './classes.ts'
import styles from './virtual-table.module.css'

/** A column. On narrow screens rows become stacks of their cells, each with the name of its column before it. */
export type Column<Row> = {
  readonly id: string
  /** The name, shown in the head of the table, and before the cell on narrow screens. */
  readonly name: string
  /** A track of a CSS grid: `8rem`, `minmax(0, 2fr)`. */
  readonly width: string
  readonly cell: (row: Row) => ReactNode
  readonly align?: 'end'
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
 * link. `onEnd` is called when the last rows come into view.
 */
export function VirtualTable<Row>({
  label,
  columns,
  rows,
  keyOf,
  rowHeight = 40,
  totalCount,
  onEnd,
  footer,
}: {
  /** Names the table for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** The estimated height of a row in pixels. Rows are measured when they come into view. */
  readonly rowHeight?: number
  /** How many rows the list has, including those that are not read yet. */
  readonly totalCount?: number | undefined
  readonly onEnd?: (() => void) | undefined
  /** Shown below the last row, such as that more rows are being read or could not be read. */
  readonly footer?: ReactNode
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
      className={styles.table}
      style={{ '--columns': columns.map(({ width }) => width).join(' ') }}
      role="table"
      aria-label={label}
      aria-rowcount={(totalCount ?? rows.length) + 1}
    >
      <div role="rowgroup" className={styles.head}>
        <div role="row" aria-rowindex={1} className={styles.row}>
          {columns.map(({ id, name, align }) => (
            <div key={id} role="columnheader" className={classes(align === 'end' && styles.end)}>
              {name}
            </div>
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
              className={classes(styles.row, styles.item)}
              style={{ transform: `translateY(${item.start - top}px)` }}
            >
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
      {footer && <div className={styles.footer}>{footer}</div>}
    </div>
  )
}
