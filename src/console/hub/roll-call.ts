/** How many objects a batch of the current state has. A batch with fewer is the last one. */
const batchSize = 100

/**
 * Finds which of the followed objects were deleted. The hub reports it, but not what happened while the connection was
 * lost: once the present state has been sent again, those missing from it are gone.
 */
export function createRollCall(): (
  followed: readonly string[],
  update: { readonly initial: boolean; readonly ids: readonly string[]; readonly deleted: readonly string[] },
) => readonly string[] {
  let present = new Set<string>()
  return (followed, { initial, ids, deleted }) => {
    if (!initial) return deleted
    for (const id of ids) present.add(id)
    if (ids.length === batchSize) return []
    const absent = followed.filter((id) => !present.has(id))
    present = new Set()
    return absent
  }
}
