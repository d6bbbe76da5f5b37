import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type AnyVariables, Client, fetchExchange } from 'urql'
import { withoutHiddenParts } from '../hub/hidden-parts.ts'
import type { Field } from './text.ts'
import type { ExportPage } from './write-rows.ts'

/** Rows per page. A response with as many of the largest payloads or twins is within the hub's limit. */
const pageSize = 50

/** The variables that differ between the pages of an export. */
export type PageVariables = { readonly first: number; readonly after: string | null; readonly counted: boolean }

/** A list to export. */
export type Source<Data, Variables extends AnyVariables, Row> = {
  /** The name of the file without the date and the ending. */
  readonly name: string
  readonly fields: readonly Field<Row>[]
  readonly document: TypedDocumentNode<Data, Variables>
  /** The variables of the filter and of a page. */
  readonly variables: (page: PageVariables) => Variables
  /** Finds the rows in an answer. */
  readonly read: (data: Data) => ExportPage<Row> | null | undefined
}

/** Reads the pages of a list. The client of the session is not used, because it keeps every answer in memory. */
export function pageReader<Data, Variables extends AnyVariables, Row>(
  request: typeof fetch,
  { document, variables, read }: Source<Data, Variables, Row>,
): (after: string | null) => Promise<ExportPage<Row>> {
  const client = new Client({ url: '/graphql', preferGetMethod: false, fetch: request, exchanges: [fetchExchange] })
  return async (after) => {
    const page = variables({ first: pageSize, after, counted: after === null })
    const { data, error } = await client.query(document, page).toPromise()
    const failure = data && error ? withoutHiddenParts(error) : error
    if (failure !== undefined) throw failure
    const rows = data && read(data)
    if (!rows) throw new Error('The list is no longer available.')
    return rows
  }
}
