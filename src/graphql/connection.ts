import { GraphQLError, type GraphQLResolveInfo } from 'graphql'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { builder } from './builder.ts'
import { maxPageSize } from './limits.ts'
import { selectsField } from './transport/selects-field.ts'

/** The arguments of every list. */
export type PageArguments = {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/**
 * What to read: `limit` rows beyond the row with the keys of the cursor, nearest first. `forward` follows the order of
 * the list.
 */
export type Page<Keys> = { readonly cursor: Keys | undefined; readonly forward: boolean; readonly limit: number }

/**
 * A list whose rows are ordered by their keys, so that a cursor keeps its position while rows are added. The name is
 * part of each cursor and identifies the list, its order and its parent. The filter is not: a position is valid with
 * any filter.
 */
export type KeysetList<Row, Keys> = {
  readonly name: string
  /** The keys of a row, as text. */
  keysOf(row: Row): readonly string[]
  /** The keys from their text, or undefined when the text is not valid. */
  parseKeys(texts: readonly string[]): Keys | undefined
}

/** A page, as the connection types resolve it. */
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

/** The arguments `first` and `after`, for a list that is read in one direction only. */
export const forwardArguments = () =>
  builder.args((t) => ({
    first: t.int({
      description: `Number of rows from the beginning of the list, or after \`after\`: 1 to ${maxPageSize}. Required.`,
    }),
    after: t.string({ description: 'A cursor of this list. The page begins after its row.' }),
  }))

/** The arguments `first`, `after`, `last` and `before`. */
export const pageArguments = () =>
  builder.args((t) => ({
    first: t.int({
      description: `Number of rows from the beginning of the list, or after \`after\`: 1 to ${maxPageSize}. Either \`first\` or \`last\` is required.`,
    }),
    after: t.string({ description: 'A cursor of this list. The page begins after its row. Only with `first`.' }),
    last: t.int({
      description: `Number of rows from the end of the list, or before \`before\`: 1 to ${maxPageSize}. Either \`first\` or \`last\` is required.`,
    }),
    before: t.string({ description: 'A cursor of this list. The page ends before its row. Only with `last`.' }),
  }))

/** The complexity of a list: the maximum number of its rows, plus `own` for the list itself. */
export const pageComplexity = ({ first, last }: PageArguments, own = 1) => ({
  field: own,
  multiplier: Math.min(Math.max(first ?? last ?? 1, 1), maxPageSize),
})

/** Whether a client selects rows of a list, or the position of its page: without them, the rows need not be read. */
export const selectsRows = (info: GraphQLResolveInfo): boolean =>
  ['nodes', 'edges', 'pageInfo'].some((name) => selectsField(info, name))

/** The keys in a cursor. A request error with the code INVALID_CURSOR for a cursor of another list. */
export function readCursor<Row, Keys>(list: KeysetList<Row, Keys>, cursor: string, argument: string): Keys {
  const texts = decodeCursor(list.name, cursor)
  const keys = texts && list.parseKeys(texts)
  if (keys === undefined) {
    throw new GraphQLError(`The cursor in "${argument}" does not belong to this list, or the list has another order.`, {
      extensions: { code: 'INVALID_CURSOR', argument },
    })
  }
  return keys
}

function readPage<Row, Keys>(list: KeysetList<Row, Keys>, args: PageArguments): Page<Keys> {
  const { first, last } = args
  const refused = (problem: string) =>
    new GraphQLError(`${problem} A page has 1 to ${maxPageSize} rows.`, { extensions: { code: 'INVALID_PAGE_SIZE' } })
  if (first != null && last != null) throw refused('"first" and "last" cannot be used together.')
  const limit = first ?? last
  if (limit == null) throw refused('"first" is required, or "last" where the list supports it.')
  if (limit < 1 || limit > maxPageSize) throw refused(`"${first == null ? 'last' : 'first'}" is ${limit}.`)

  const forward = first != null
  const [argument, stray] = forward ? (['after', 'before'] as const) : (['before', 'after'] as const)
  if (args[stray] != null) {
    throw new GraphQLError(`"${stray}" can only be used with "${forward ? 'last' : 'first'}".`, {
      extensions: { code: 'INVALID_CURSOR', argument: stray },
    })
  }
  const cursor = args[argument]
  return { cursor: cursor == null ? undefined : readCursor(list, cursor, argument), forward, limit }
}

/** A row with its cursor. Most clients select no cursor but those of the page, so it is made when it is resolved. */
class Edge<Row, Keys> {
  readonly list: KeysetList<Row, Keys>
  readonly node: Row
  constructor(list: KeysetList<Row, Keys>, node: Row) {
    this.list = list
    this.node = node
  }
  get cursor(): string {
    return encodeCursor(this.list.name, this.list.keysOf(this.node))
  }
}

/** The edge of a row in a list. */
export const edgeIn = <Row, Keys>(list: KeysetList<Row, Keys>, node: Row): Edge<Row, Keys> => new Edge(list, node)

/**
 * Reads a page. `find` gets a limit of one more row than the page has, which shows whether more rows follow. Request
 * errors with the codes INVALID_PAGE_SIZE and INVALID_CURSOR.
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
  const edges = rows.map((node) => new Edge(list, node))
  const more = found.length > page.limit
  // A cursor belongs to a row, so at least that row is on the other side of it.
  const behind = page.cursor !== undefined
  return {
    edges,
    pageInfo: {
      hasNextPage: page.forward ? more : behind,
      hasPreviousPage: page.forward ? behind : more,
      get startCursor() {
        return edges.at(0)?.cursor ?? null
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null
      },
    },
    totalCount,
  }
}
