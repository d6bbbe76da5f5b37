import DataLoader from 'dataloader'
import type { Reader } from '../database/client.ts'
import type { Context } from './context.ts'

/**
 * Lets a field be resolved parent by parent and read for all of them at once: what the objects of one operation ask
 * for in the same turn, with the same arguments, is one call of `find`. Answers the rows of a parent as `find` orders
 * them; none is an empty list.
 *
 * Nothing is remembered: a subscription keeps its context, and each of its events must show the rows as they are then.
 */
export function perParent<Args, Row>(
  find: (db: Reader, parentIds: readonly string[], args: Args) => Promise<readonly Row[]>,
  parentOf: (row: Row) => string,
): (context: Context, parentId: string, args: Args) => Promise<readonly Row[]> {
  type Loader = DataLoader<string, readonly Row[]>
  const loaders = new WeakMap<Context, Map<string, Loader>>()

  const makeLoader = ({ deps }: Context, args: Args): Loader =>
    new DataLoader(
      async (parentIds) => {
        const rows = new Map(parentIds.map((id) => [id, [] as Row[]]))
        for (const row of await find(deps.db.reads, [...rows.keys()], args)) rows.get(parentOf(row))?.push(row)
        return parentIds.map((id) => rows.get(id) ?? [])
      },
      { cache: false },
    )

  return (context, parentId, args) => {
    const byArguments = loaders.get(context) ?? new Map<string, Loader>()
    loaders.set(context, byArguments)
    const key = JSON.stringify(args)
    const loader = byArguments.get(key) ?? makeLoader(context, args)
    byArguments.set(key, loader)
    return loader.load(parentId)
  }
}
