import { type Field, type Format, headOf, linesOf } from './text.ts'

/** A page of a list, as the hub sends it. */
export type ExportPage<Row> = {
  readonly nodes: readonly Row[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null }
  /** Requested with the first page only, because the hub counts the rows each time. */
  readonly totalCount?: number | null
}

/** How many rows have been written, of how many. */
export type Progress = { readonly rows: number; readonly totalCount: number | undefined }

/** Where the text of an export goes. */
export type Target = {
  readonly write: (text: string) => Promise<void>
  /** Completes the file. */
  readonly close: () => Promise<void>
  /** Discards what was written. */
  readonly abort: () => Promise<void>
}

/**
 * Writes all rows of a list to a file, page by page. A page that cannot be read is read again when `untilAgain` resolves.
 * When that rejects, when a page cannot be written, or after `signal`, it discards what was written and throws.
 */
export async function writeRows<Row>({
  format,
  fields,
  readPage,
  untilAgain,
  target,
  signal,
  onProgress,
}: {
  readonly format: Format
  readonly fields: readonly Field<Row>[]
  /** Reads the page after a cursor; the first one without a cursor. */
  readonly readPage: (after: string | null) => Promise<ExportPage<Row>>
  /** Waits, after the error of a page, until the same page is to be read again. */
  readonly untilAgain: (error: unknown) => Promise<void>
  readonly target: Target
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}): Promise<void> {
  const readUntilThere = async (after: string | null): Promise<ExportPage<Row>> => {
    for (;;) {
      try {
        return await readPage(after)
      } catch (error) {
        signal.throwIfAborted()
        await untilAgain(error)
      }
    }
  }
  try {
    await target.write(headOf(format, fields))
    let rows = 0
    let after: string | null = null
    let totalCount: number | undefined
    do {
      const page: ExportPage<Row> = await readUntilThere(after)
      signal.throwIfAborted()
      await target.write(linesOf(format, fields, page.nodes))
      rows += page.nodes.length
      totalCount ??= page.totalCount ?? undefined
      after = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null
      onProgress({ rows, totalCount })
    } while (after !== null)
    signal.throwIfAborted()
    await target.close()
  } catch (error) {
    await target.abort()
    throw error
  }
}
