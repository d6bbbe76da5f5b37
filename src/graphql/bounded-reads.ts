import DataLoader from 'dataloader'
import type { BoundedReader } from '../database/bounded-read.ts'
import type { Deps } from '../deps.ts'
import { LimitExceededError } from '../errors.ts'

/** What reading about jobs needs. */
export type ReadDeps = Pick<Deps, 'db' | 'clock'>

/** Reads the rows of a parent. `deps` are those of the hub, the same object for all who ask. */
export type BoundedRead<Args, Row, Parent> = (deps: ReadDeps, parent: Parent, args: Args) => Promise<readonly Row[]>

/** Milliseconds that such a read may take: a job of a million devices takes less, unless the machine is overloaded. */
const mostMs = 10_000

/** What cost t is not read again before 10 t: it takes a tenth of a connection at most, however many ask. */
const pause = 10
/** Milliseconds below which a read is cheap, and nobody has to be content with an older one. */
const cheapMs = 20

type Kept<Row> = { readonly reading: Promise<readonly Row[]>; until: number }

/**
 * For what takes the longer the larger a job is: `perParent` with a bound. What is asked in one turn, by whomever, is
 * one call of `find`, which has ten seconds: after that all get a LimitExceededError. Whoever asks while the same is being
 * read gets that, and so does, with that error too, whoever asks again before ten times as long as it took. So it may be
 * somewhat old: where that is not good enough the parent must have another key.
 */
export function boundedReads<Args, Row, Parent = string>(
  what: string,
  find: (db: BoundedReader, parents: readonly Parent[], args: Args) => Promise<readonly Row[]>,
  parentOf: (row: Row) => string,
  keyOf: (parent: Parent) => string = String,
): BoundedRead<Args, Row, Parent> {
  type Reads = { readonly loader: DataLoader<Parent, readonly Row[]>; readonly kept: Map<string, Kept<Row>> }
  const byDatabase = new WeakMap<object, Map<string, Reads>>()

  const makeReads = ({ db, clock }: ReadDeps, args: Args): Reads => {
    const kept = new Map<string, Kept<Row>>()
    const readAll = async (parents: readonly Parent[]): Promise<Row[][]> => {
      const begun = clock.now().getTime()
      for (const [key, { until }] of kept) if (until <= begun) kept.delete(key)
      const found = await db.boundedRead({ caller: what }, mostMs, (reader) => find(reader, parents, args))
      if (found === undefined) {
        const retryAfter = Math.max(Math.ceil(((clock.now().getTime() - begun) * pause) / 1000), 1)
        throw new LimitExceededError(`The hub has no time to read the ${what} now.`, retryAfter)
      }
      const rows = new Map(parents.map((parent) => [keyOf(parent), [] as Row[]]))
      for (const row of found) rows.get(parentOf(row))?.push(row)
      return parents.map((parent) => rows.get(keyOf(parent)) ?? [])
    }
    return { kept, loader: new DataLoader(readAll, { cache: false }) }
  }

  return ({ db, clock }, parent, args) => {
    const byArguments = byDatabase.get(db) ?? new Map<string, Reads>()
    byDatabase.set(db, byArguments)
    const name = JSON.stringify(args) ?? ''
    const reads = byArguments.get(name) ?? makeReads({ db, clock }, args)
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
      // Any other error may be over at once, such as that of a database that was away.
      else reads.kept.delete(key)
    })
    return entry.reading
  }
}
