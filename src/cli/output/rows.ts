import { stringify } from 'csv-stringify/sync'
import { printJson } from '../../json/json-text.ts'
import { table } from '../terminal/table.ts'
import type { Format } from './format.ts'

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** How many rows determine the widths of a table's columns. More are written with the same widths, as they come. */
const measuredRows = 100

/** The text of rows, in pieces, as the rows come. CSV and tables have a header and the given columns. */
export async function* textOf(
  rows: AsyncIterable<Row> | Iterable<Row>,
  columns: readonly string[],
  format: Format,
): AsyncGenerator<string> {
  if (format === 'table') yield* tableOf(rows, columns)
  else if (format === 'csv') {
    yield stringify([columns])
    for await (const row of rows) yield stringify([columns.map((name) => cellOf(row[name]))])
  } else if (format === 'jsonl') for await (const row of rows) yield `${printJson(row)}\n`
  else {
    let isFirst = true
    for await (const row of rows) {
      yield `${isFirst ? '[' : ','}\n${printJson(row)}`
      isFirst = false
    }
    yield isFirst ? '[]\n' : '\n]\n'
  }
}

/** The text of one row on its own: a table has a line for each column. */
export function textOfOne(row: Row, format: Format): string {
  const columns = Object.keys(row)
  if (format === 'json') return `${printJson(row, 2)}\n`
  if (format === 'jsonl') return `${printJson(row)}\n`
  if (format === 'csv') return stringify([columns, columns.map((name) => cellOf(row[name]))])
  return lines(table(columns.map((name) => [name, shownCell(row[name])])))
}

async function* tableOf(rows: AsyncIterable<Row> | Iterable<Row>, columns: readonly string[]): AsyncGenerator<string> {
  const measured: string[][] = []
  let widths: readonly number[] | undefined
  const print = (): string => {
    const cells = [columns.map((name) => name.toUpperCase()), ...measured]
    widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
    return lines(table(cells))
  }
  for await (const row of rows) {
    const cells = columns.map((name) => shownCell(row[name]))
    if (widths !== undefined) {
      const known = widths
      yield `${cells
        .map((cell, index) => cell.padEnd(known[index] ?? 0))
        .join('  ')
        .trimEnd()}\n`
      continue
    }
    measured.push(cells)
    if (measured.length === measuredRows) yield print()
  }
  if (widths === undefined) yield print()
}

/** The text of a value: text as it is, anything else as JSON, nothing for null. */
export function cellOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : printJson(value)
}

// Text of devices could otherwise move the cursor of the terminal or change its colours.
const controls = /[\p{Cc}\p{Bidi_Control}]/gu
const shownCell = (value: unknown): string => cellOf(value).replace(controls, '\ufffd')

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('')
