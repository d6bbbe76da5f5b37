/** A column of an export. */
export type Field<Row> = { readonly name: string; readonly value: (row: Row) => unknown }

/** The formats of an export. */
export type Format = 'csv' | 'jsonl'

/**
 * Without this mark at its beginning, Excel takes a CSV file for one in the encoding of the system, and shows other
 * characters for all but ASCII.
 */
const byteOrderMark = '\uFEFF'

/** What a file begins with: the byte order mark and the names of the fields; empty for lines of JSON. */
export function headOf<Row>(format: Format, fields: readonly Field<Row>[]): string {
  return format === 'csv' ? byteOrderMark + csvLine(fields.map(({ name }) => name)) : ''
}

/** The lines of rows. */
export function linesOf<Row>(format: Format, fields: readonly Field<Row>[], rows: readonly Row[]): string {
  const line =
    format === 'csv'
      ? (row: Row) => csvLine(fields.map(({ value }) => value(row)))
      : (row: Row) =>
          `${JSON.stringify(Object.fromEntries(fields.map(({ name, value }) => [name, value(row) ?? null])))}\n`
  return rows.map(line).join('')
}

/** A record of RFC 4180. */
function csvLine(values: readonly unknown[]): string {
  return `${values.map(csvValue).join(',')}\r\n`
}

/** Nothing for a missing value, and JSON for a document. */
function csvValue(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') return quote(typeof value === 'object' ? JSON.stringify(value) : String(value))
  // Spreadsheets run a text that begins with one of these as a formula. The apostrophe makes it a text.
  return quote(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value)
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
