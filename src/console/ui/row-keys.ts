import { type RefObject, useEffect, useRef } from 'react'
import { useKeys } from '../keys/use-keys.ts'

/** The control that opens a row: the link that covers it, or what is marked so. */
const opener = '.stretched, [data-opens-row]'

/**
 * Makes keys go through the rows of a table. The cursor is the focus, on the control of the row that opens it: so Enter
 * opens it, and screen readers read it. `body` contains the rows, each with its index in `data-index`. `bringIntoView`
 * renders a row that may not be rendered yet.
 */
export function useRowKeys<Row>({
  body,
  rows,
  keyOf,
  onSelect,
  bringIntoView,
}: {
  readonly body: RefObject<HTMLElement | null>
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly onSelect: ((row: Row) => void) | undefined
  readonly bringIntoView: (index: number) => void
}): void {
  /** The row at the cursor. A row that has scrolled out of view has lost the focus. */
  const cursor = useRef<string>(undefined)
  const wanted = useRef<number>(undefined)
  const settle = (): void => {
    if (wanted.current === undefined) return
    const control = body.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"] :is(${opener})`)
    if (!control) return
    wanted.current = undefined
    control.focus({ preventScroll: true })
    control.closest('[data-index]')?.scrollIntoView({ block: 'nearest' })
  }
  // The row may be rendered only now.
  useEffect(settle)

  const move = (step: number): void => {
    const focused = focusedIn(body.current)
    const known = focused ?? rows.findIndex((row) => keyOf(row) === cursor.current)
    const next = known < 0 ? firstInView(body.current) : known + step
    const index = Math.max(0, Math.min(rows.length - 1, next))
    const row = rows[index]
    if (row === undefined) return
    cursor.current = keyOf(row)
    wanted.current = index
    bringIntoView(index)
    settle()
  }
  const isEmpty = rows.length === 0
  useKeys(
    isEmpty
      ? {}
      : {
          next: () => move(1),
          previous: () => move(-1),
          select:
            onSelect &&
            (() => {
              const row = rows[focusedIn(body.current) ?? -1]
              if (row !== undefined) onSelect(row)
            }),
        },
    isEmpty ? [] : ['open'],
  )
}

/** The index of the row with the focus. */
function focusedIn(body: HTMLElement | null): number | undefined {
  const { activeElement } = document
  const row = body?.contains(activeElement) ? activeElement?.closest<HTMLElement>('[data-index]') : undefined
  return row ? Number(row.dataset.index) : undefined
}

/** The index of the first row whose upper edge is in view, below the bar and the head of the table. */
function firstInView(body: HTMLElement | null): number {
  const top = Number.parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0
  const rows = [...(body?.querySelectorAll<HTMLElement>('[data-index]') ?? [])]
  const inView = rows.map((row) => ({ index: Number(row.dataset.index), y: row.getBoundingClientRect().top }))
  return Math.min(
    ...inView.filter(({ y }) => y >= top).map(({ index }) => index),
    rows.length === 0 ? 0 : Number.POSITIVE_INFINITY,
  )
}
