/** The order of a list: a key that the hub can order it by, and a direction. */
export type Sort<Key extends string = string> = { readonly key: Key; readonly direction: 'ASC' | 'DESC' }

const name = 'sort'

/**
 * Reads `?sort=end`, or `?sort=-end` for descending, with one of these keys. The default order if there is none, or an
 * unknown one.
 */
export function readSort<Key extends string>(
  search: URLSearchParams,
  keys: readonly Key[],
  byDefault: Sort<Key>,
): Sort<Key> {
  const text = search.get(name) ?? ''
  const isDescending = text.startsWith('-')
  const key = keys.find((one) => one === (isDescending ? text.slice(1) : text))
  return key === undefined ? byDefault : { key, direction: isDescending ? 'DESC' : 'ASC' }
}

/** The same address with another order; the default order is left out. Other parameters stay. */
export function writeSort<Key extends string>(
  sort: Sort<Key>,
  search: URLSearchParams,
  byDefault: Sort<Key>,
): URLSearchParams {
  const written = new URLSearchParams(search)
  if (isSame(sort, byDefault)) written.delete(name)
  else written.set(name, `${sort.direction === 'DESC' ? '-' : ''}${sort.key}`)
  return written
}

/** The order after a click on the head of a column: first the direction of that column, then the other one. */
export function turnSort<Key extends string>(present: Sort<Key>, column: Sort<Key>): Sort<Key> {
  if (present.key !== column.key) return column
  return { key: column.key, direction: present.direction === 'ASC' ? 'DESC' : 'ASC' }
}

/** Whether two orders are the same. */
export function isSame(one: Sort, other: Sort): boolean {
  return one.key === other.key && one.direction === other.direction
}
