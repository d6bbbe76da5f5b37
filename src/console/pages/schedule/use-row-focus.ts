import { type RefObject, useEffect, useRef } from 'react'

/**
 * Moves the focus in a list of rows, whose elements have `data-row`: into a row that was added from within the list, and,
 * when the last row was removed with the button that had the focus, to the last button of the list.
 */
export function useRowFocus(count: number): RefObject<HTMLFieldSetElement | null> {
  const list = useRef<HTMLFieldSetElement>(null)
  const before = useRef(count)
  useEffect(() => {
    const added = count === before.current + 1 && list.current?.contains(document.activeElement)
    const isLost = count < before.current && document.activeElement === document.body
    before.current = count
    const rows = list.current?.querySelectorAll<HTMLElement>('[data-row]')
    if (added) rows?.[count - 1]?.querySelector<HTMLElement>('input, select')?.focus()
    if (isLost) [...(list.current?.querySelectorAll('button') ?? [])].at(-1)?.focus()
  }, [count])
  return list
}
