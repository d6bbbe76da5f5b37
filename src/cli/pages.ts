/** A page of a list. */
type Page<T> = {
  readonly nodes: readonly T[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null }
}

/** The most rows that a page of the hub has. */
const pageSize = 100

/**
 * The rows of a list, at most `limit`, read page by page as they are taken. `read` returns the page of `first` rows after a
 * cursor.
 */
export async function* rowsOf<T>(
  read: (first: number, after: string | undefined) => Promise<Page<T>>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<T> {
  let left = limit
  for (let after: string | undefined; left > 0; ) {
    const { nodes, pageInfo } = await read(Math.min(pageSize, left), after)
    yield* nodes
    left -= nodes.length
    if (!pageInfo.hasNextPage || !pageInfo.endCursor) return
    after = pageInfo.endCursor
  }
}
