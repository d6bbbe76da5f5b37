import DataLoader from 'dataloader'
import type { BoundedReader } from '../database/bounded-read.ts'
import type { Deps } from '../deps.ts'
import { LimitExceededError } from '../errors.ts'
import type { Scope } from '../scope.ts'

/** The dependencies of reads about jobs. */
export type ReadDeps = Pick<Deps, 'db' | 'clock'>

/** Reads the rows of a parent in the scope. `deps` are those of the hub, the same object for all callers. */
export type BoundedRead<Args, Row, Parent> = (
  deps: ReadDeps,
  scope: Scope,
  parent: Parent,
  args: Args,
) => Promise<readonly Row[]>

/** Maximum milliseconds of most reads. A job of a million devices takes less, unless the machine is overloaded. */
const usualMs = 10_000

/**
 * The result of a read that took t is reused for 10 t, so the reads take at most a tenth of a connection, for any
 * number of callers.
 */
const pause = 10
/** Milliseconds below which a read is cheap, so that its result is not reused. */
const cheapMs = 20

type Kept<Row> = { readonly reading: Promise<readonly Row[]>; until: number }

/**
 * `perParent` with a time limit, for reads whose duration grows with the size of a job. All requests of one turn, from
 * all callers with the same scope, are one call of `find`, which has `mostMs` milliseconds. After that, all of them get
 * a LimitExceededError. A request during the same read gets its result, and so does a request within ten times the
 * duration of the read. The same applies to the error. A result may therefore be somewhat old. Where that is not
 * acceptable, the parent needs another key.
 */
export function boundedReads<Args, Row, Parent = string>(
  what: string,
  find: (db: BoundedReader, scope: Scope, parents: readonly Parent[], args: Args) => Promise<readonly Row[]>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
  mostMs = usualMs,
): BoundedRead<Args, Row, Parent> {
  type Reads = { readonly loader: DataLoader<Parent, readonly Row[]>; readonly kept: Map<string, Kept<Row>> }
  const byDatabase = new WeakMap<object, Map<string, Reads>>()

  const makeReads = ({ db, clock }: ReadDeps, scope: Scope, args: Args): Reads => {
    const kept = new Map<string, Kept<Row>>()
    const readAll = async (parents: readonly Parent[]): Promise<Row[][]> => {
      const begun = clock.now().getTime()
      for (const [key, { until }] of kept) if (until <= begun) kept.delete(key)
      const found = await db.boundedRead({ caller: what }, mostMs, (reader) => find(reader, scope, parents, args))
      if (found === undefined) {
        const retryAfter = Math.max(Math.ceil(((clock.now().getTime() - begun) * pause) / 1000), 1)
        throw new LimitExceededError(`Reading the ${what} took too long. Try again later.`, retryAfter)
      }
      const rows = new Map(parents.map((parent) => [keyOf(parent), [] as Row[]]))
      for (const row of found) rows.get(parentOf(row))?.push(row)
      return parents.map((parent) => rows.get(keyOf(parent)) ?? [])
    }
    return { kept, loader: new DataLoader(readAll, { cache: false }) }
  }

  return ({ db, clock }, scope, parent, args) => {
    const byArguments = byDatabase.get(db) ?? new Map<string, Reads>()
    byDatabase.set(db, byArguments)
    const name = JSON.stringify([scope, args])
    const reads = byArguments.get(name) ?? makeReads({ db, clock }, scope, args)
    byArguments.set(name, reads)

    const begun = clock.now().getTime()
    const key = keyOf(parent)
    const known = reads.kept.get(key)
    if (known !== undefined && begun < known.until) return known.reading
    const entry: Kept<Row> = { reading: reads.loader.load(parent), until: Number.POSITIVE_INFINITY }
    reads.kept.set(key, entry)
    const rest = (): void => {
      const ended = clock.now().getTime()
      if (ended - begun < cheapMs) reads.kept.delete(key)
      else entry.until = ended + (ended - begun) * pause
    }
    entry.reading.then(rest, (error) => {
      if (error instanceof LimitExceededError) rest()
      // Any other error may be over at once, such as an outage of the database.
      else reads.kept.delete(key)
    })
    return entry.reading
  }
}
