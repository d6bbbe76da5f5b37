import DataLoader from 'dataloader'
import { type BoundedReader, readInTime } from '../database/bounded-read.ts'
import type { Reader } from '../database/reader.ts'
import type { AnswerBudget } from '../limits/answer-budget.ts'
import type { Scope } from '../scope.ts'
import { askerOf, type Context } from './context.ts'

/** Finds the rows of these parents in the scope, at the given time and within the budget of the answer. */
type Find<Db, Args, Row, Parent> = (
  db: Db,
  scope: Scope,
  parents: readonly Parent[],
  args: Args,
  now: Date,
  answer: AnswerBudget,
) => Promise<readonly Row[]>

type PerParent<Args, Row, Parent> = (context: Context, parent: Parent, args: Args) => Promise<readonly Row[]>

/**
 * Resolves a field parent by parent, and reads the rows of all parents together: the requests of one operation in the
 * same turn, with the same arguments, are one call of `find`. Returns the rows of a parent in the order of `find`, or
 * an empty list. A parent is an id, or `keyOf` makes one.
 *
 * Results are not cached: a subscription keeps its context, and each of its events must show the current rows.
 */
export function perParent<Args, Row, Parent = string>(
  find: Find<Reader, Args, Row, Parent>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
): PerParent<Args, Row, Parent> {
  return load(({ deps }, ...asked) => find(deps.db.reads, ...asked), parentOf, keyOf)
}

/**
 * `perParent` within the time limit of a query, for reads whose duration depends on a filter or a size that a client
 * chooses.
 */
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

/** Parents whose documents are read like rows by key. */
const fewParents = 4

/** `perParent` for reads of documents. Those of many parents take turns: PostgreSQL may print megabytes. */
export function documentsPerParent<Args, Row, Parent = string>(
  find: Find<Reader, Args, Row, Parent>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
): PerParent<Args, Row, Parent> {
  return load(
    (context, scope, parents, ...asked) => {
      const { db } = context.deps
      const reader = parents.length > fewParents ? db.documentReads(askerOf(context)) : db.reads
      return find(reader, scope, parents, ...asked)
    },
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
        const found = await find(
          context,
          context.viewer.scope,
          [...parents.values()],
          args,
          context.deps.clock.now(),
          context.answer,
        )
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
