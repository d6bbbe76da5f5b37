import DataLoader from 'dataloader'
import type { Reader } from '../database/client.ts'
import type { Context } from './context.ts'

/**
 * Lets a field be resolved parent by parent and read for all of them at once: what the objects of one operation ask
 * for in the same turn, with the same arguments, is one call of `find`, which is told the time too. Answers the rows of
 * a parent as `find` orders them; none is an empty list. A parent is an id, or `keyOf` makes one of it.
 *
 * Nothing is remembered: a subscription keeps its context, and each of its events must show the rows as they are then.
 */
export function perParent<Args, Row, Parent = string>(
  find: (db: Reader, parents: readonly Parent[], args: Args, now: Date) => Promise<readonly Row[]>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
): (context: Context, parent: Parent, args: Args) => Promise<readonly Row[]> {
  type Loader = DataLoader<Parent, readonly Row[]>
  const loaders = new WeakMap<Context, Map<string, Loader>>()

  const makeLoader = ({ deps }: Context, args: Args): Loader =>
    new DataLoader(
      async (asked) => {
        const parents = new Map(asked.map((parent) => [keyOf(parent), parent]))
        const rows = new Map([...parents.keys()].map((key) => [key, [] as Row[]]))
        const found = await find(deps.db.reads, [...parents.values()], args, deps.clock.now())
        for (const row of found) rows.get(parentOf(row))?.push(row)
        return asked.map((parent) => rows.get(keyOf(parent)) ?? [])
      },
      { cache: false },
    )

  return (context, parent, args) => {
    const byArguments = loaders.get(context) ?? new Map<string, Loader>()
    loaders.set(context, byArguments)
    const key = JSON.stringify(args)
    const loader = byArguments.get(key) ?? makeLoader(context, args)
    byArguments.set(key, loader)
    return loader.load(parent)
  }
}
