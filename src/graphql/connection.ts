import { GraphQLError } from 'graphql'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { builder } from './builder.ts'
import { maxPageSize } from './limits.ts'

/** The arguments of every list. */
export type PageArguments = {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** What to read: `limit` rows beyond the row of these keys, nearest first; `forward` is the order of the list. */
export type Page<Keys> = { readonly cursor: Keys | undefined; readonly forward: boolean; readonly limit: number }

/**
 * A list whose rows lie in the order of their keys, so that a cursor holds its place while rows are added. The name is
 * part of the cursors: it says which list, which order, and of which parent. A filter is not: the place holds in any.
 */
export type KeysetList<Row, Keys> = {
  readonly name: string
  /** The keys of a row as text. */
  keysOf(row: Row): readonly string[]
  /** The keys again, undefined for text that is none. */
  parseKeys(texts: readonly string[]): Keys | undefined
}

/** A page as the connection types resolve it. */
export type Connection<Row> = {
  readonly edges: { readonly cursor: string; readonly node: Row }[]
  readonly pageInfo: {
    readonly hasNextPage: boolean
    readonly hasPreviousPage: boolean
    readonly startCursor: string | null
    readonly endCursor: string | null
  }
  readonly totalCount: () => number | Promise<number>
}

/** `first` and `after`, described: for a list that is read in one direction only. */
export const forwardArguments = () =>
  builder.args((t) => ({
    first: t.int({
      description: `How many rows from the beginning, or after \`after\`: 1 to ${maxPageSize}. Must be given.`,
    }),
    after: t.string({ description: 'A cursor of this list.' }),
  }))

/** `first`, `after`, `last` and `before`, described. */
export const pageArguments = () =>
  builder.args((t) => ({
    first: t.int({
      description: `How many rows from the beginning, or after \`after\`: 1 to ${maxPageSize}. Either \`first\` or \`last\` must be given.`,
    }),
    after: t.string({ description: 'A cursor of this list. Goes with `first`.' }),
    last: t.int({
      description: `How many rows from the end, or before \`before\`: 1 to ${maxPageSize}. Either \`first\` or \`last\` must be given.`,
    }),
    before: t.string({ description: 'A cursor of this list. Goes with `last`.' }),
  }))

/** What a list costs: its rows at most. `own` is for reading it at all. */
export const pageComplexity = ({ first, last }: PageArguments, own = 1) => ({
  field: own,
  multiplier: Math.min(Math.max(first ?? last ?? 1, 1), maxPageSize),
})

/** The keys in a cursor. A request error with the code INVALID_CURSOR when it is none of the list. */
export function readCursor<Row, Keys>(list: KeysetList<Row, Keys>, cursor: string, argument: string): Keys {
  const texts = decodeCursor(list.name, cursor)
  const keys = texts && list.parseKeys(texts)
  if (keys === undefined) {
    throw new GraphQLError(`The cursor in "${argument}" is none of this list, or the list is in another order.`, {
      extensions: { code: 'INVALID_CURSOR', argument },
    })
  }
  return keys
}

function readPage<Row, Keys>(list: KeysetList<Row, Keys>, args: PageArguments): Page<Keys> {
  const { first, last } = args
  const refused = (problem: string) =>
    new GraphQLError(`${problem} A page has 1 to ${maxPageSize} rows.`, { extensions: { code: 'INVALID_PAGE_SIZE' } })
  if (first != null && last != null) throw refused('Give either "first" or "last", not both.')
  const limit = first ?? last
  if (limit == null) throw refused('Give "first", or "last" where the list has it.')
  if (limit < 1 || limit > maxPageSize) throw refused(`"${first == null ? 'last' : 'first'}" is ${limit}.`)

  const forward = first != null
  const [argument, stray] = forward ? (['after', 'before'] as const) : (['before', 'after'] as const)
  if (args[stray] != null) {
    throw new GraphQLError(`"${stray}" goes with "${forward ? 'last' : 'first'}".`, {
      extensions: { code: 'INVALID_CURSOR', argument: stray },
    })
  }
  const cursor = args[argument]
  return { cursor: cursor == null ? undefined : readCursor(list, cursor, argument), forward, limit }
}

/**
 * Reads a page. `find` gets a limit that is one row too many, which tells whether there are more. Request errors with
 * the codes INVALID_PAGE_SIZE and INVALID_CURSOR.
 */
export async function resolvePage<Row, Keys>(
  list: KeysetList<Row, Keys>,
  args: PageArguments,
  find: (page: Page<Keys>) => Promise<readonly Row[]>,
  totalCount: () => number | Promise<number>,
): Promise<Connection<Row>> {
  const page = readPage(list, args)
  const found = await find({ ...page, limit: page.limit + 1 })
  const rows = found.slice(0, page.limit)
  if (!page.forward) rows.reverse()
  const edges = rows.map((node) => ({ cursor: encodeCursor(list.name, list.keysOf(node)), node }))
  const more = found.length > page.limit
  // A cursor is that of a row, so beyond it, on the side the page does not extend to, there is at least this row.
  const behind = page.cursor !== undefined
  return {
    edges,
    pageInfo: {
      hasNextPage: page.forward ? more : behind,
      hasPreviousPage: page.forward ? behind : more,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount,
  }
}
