import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Format, formatFor } from './format.ts'
import { type Row, textOf, textOfOne } from './rows.ts'

/** Writes rows on standard output, as fast as they are taken. Rejects with the reason of `signal`. */
export async function printRows(
  rows: AsyncIterable<Row> | Iterable<Row>,
  columns: readonly string[],
  format: Format | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    const text = Readable.from(textOf(rows, columns, formatFor(format, process.stdout)))
    await pipeline(text, process.stdout, { signal, end: false })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

/** Writes one row on standard output. */
export function printRow(row: Row, format: Format | undefined): void {
  process.stdout.write(textOfOne(row, formatFor(format, process.stdout)))
}
