import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { Reader } from '../database/reader.ts'
import { NotFoundError } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { selectedColumns } from './columns.ts'
import type { Context } from './context.ts'

/** Finds the rows in the scope with these keys, with these columns, in no particular order. */
type FindRows<Row> = (
  db: Reader,
  scope: Scope,
  keys: readonly string[],
  columns: readonly string[],
) => Promise<readonly Row[]>

/** Reads the row with a key, with the columns that are selected below the field of `info`. */
export type ReadRow<Row> = (context: Context, info: GraphQLResolveInfo, key: string) => Promise<Row | undefined>

type Wanted = { readonly key: string; readonly columns: readonly string[] }

/**
 * Reads rows of a type by key. All rows that one operation requests in the same turn are read by one statement, with
 * the columns of all requests. Results are not cached: see `perParent`.
 */
export function rowsByKey<Row>(typeName: string, find: FindRows<Row>, keyOf: (row: Row) => string): ReadRow<Row> {
  const loaders = new WeakMap<Context, DataLoader<Wanted, Row | undefined>>()

  const makeLoader = ({ deps, viewer }: Context): DataLoader<Wanted, Row | undefined> =>
    new DataLoader(
      async (wanted) => {
        const keys = new Set(wanted.map(({ key }) => key))
        const rows = await find(deps.db.reads, viewer.scope, [...keys], columnsOfAll(wanted))
        const byKey = new Map(rows.map((row) => [keyOf(row), row]))
        return wanted.map(({ key }) => byKey.get(key))
      },
      { cache: false },
    )

  return (context, info, key) => {
    const loader = loaders.get(context) ?? makeLoader(context)
    loaders.set(context, loader)
    return loader.load({ key, columns: selectedColumns(info, typeName) })
  }
}

/** The same for a row that existed just now. NotFoundError when it was deleted in the meantime. */
export function existing<Row>(
  kind: 'device' | 'job',
  find: ReadRow<Row>,
): (...asked: Parameters<ReadRow<Row>>) => Promise<Row> {
  return async (context, info, key) => {
    const row = await find(context, info, key)
    if (row === undefined) throw new NotFoundError(kind, key, 'The object was deleted in the meantime.')
    return row
  }
}

function columnsOfAll(wanted: readonly Wanted[]): readonly string[] {
  const lists = new Set(wanted.map(({ columns }) => columns))
  const [first = []] = lists
  return lists.size < 2 ? first : [...new Set([...lists].flat())].sort()
}
