/** A member of the detail of an entry; undefined if it has none. */
export function memberOf(detail: unknown, name: string): unknown {
  if (typeof detail !== 'object' || detail === null) return undefined
  return Object.entries(detail).find(([key]) => key === name)?.[1]
}
