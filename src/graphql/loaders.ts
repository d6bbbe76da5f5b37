import DataLoader from 'dataloader'
import { type BoundedReader, readInTime } from '../database/bounded-read.ts'
import type { Reader } from '../database/reader.ts'
import type { AnswerBudget } from '../limits/answer-budget.ts'
import { askerOf, type Context } from './context.ts'

/** Finds the rows of these parents; it is told the time and how much may be read, too. */
type Find<Db, Args, Row, Parent> = (
  db: Db,
  parents: readonly Parent[],
  args: Args,
  now: Date,
  answer: AnswerBudget,
) => Promise<readonly Row[]>

type PerParent<Args, Row, Parent> = (context: Context, parent: Parent, args: Args) => Promise<readonly Row[]>

/**
 * Lets a field be resolved parent by parent and read for all of them at once: what the objects of one operation ask
 * for in the same turn, with the same arguments, is one call of `find`. Answers the rows of a parent as `find` orders them;
 * none is an empty list. A parent is an id, or `keyOf` makes one of it.
 *
 * Nothing is remembered: a subscription keeps its context, and each of its events must show the rows as they are then.
 */
export function perParent<Args, Row, Parent = string>(
  find: Find<Reader, Args, Row, Parent>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
): PerParent<Args, Row, Parent> {
  return load(({ deps }, ...asked) => find(deps.db.reads, ...asked), parentOf, keyOf)
}

/** The same for what takes as long as a client chooses, by a filter or by a size: within the time that a query has. */
export function perParentInTime<Args, Row, Parent = string>(
  find: Find<BoundedReader, Args, Row, Parent>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
): PerParent<Args, Row, Parent> {
  return load(
    (context, ...asked) => readInTime(context.deps, askerOf(context), (db) => find(db, ...asked)),
    parentOf,
    keyOf,
  )
}

function load<Args, Row, Parent>(
  find: Find<Context, Args, Row, Parent>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string,
): PerParent<Args, Row, Parent> {
  type Loader = DataLoader<Parent, readonly Row[]>
  const loaders = new WeakMap<Context, Map<string, Loader>>()

  const makeLoader = (context: Context, args: Args): Loader =>
    new DataLoader(
      async (asked) => {
        const parents = new Map(asked.map((parent) => [keyOf(parent), parent]))
        const rows = new Map([...parents.keys()].map((key) => [key, [] as Row[]]))
        const found = await find(context, [...parents.values()], args, context.deps.clock.now(), context.answer)
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
