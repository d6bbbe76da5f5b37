/** How many rows above and below those in view are followed too, so that a little scrolling changes nothing. */
const margin = 80

/**
 * The rows to follow: those in view and some around them. `followed` are the rows that are followed now. They do not
 * change while they include all rows in view, because each change costs the hub a query.
 */
export function rowsToFollow(
  ids: readonly string[],
  isInSight: (id: string) => boolean,
  followed: readonly string[],
): readonly string[] {
  const first = ids.findIndex(isInSight)
  if (first === -1) return followed
  const last = ids.findLastIndex(isInSight)
  const known = new Set(followed)
  if (ids.slice(first, last + 1).every((id) => known.has(id))) return followed
  return ids.slice(Math.max(0, first - margin), last + 1 + margin)
}
