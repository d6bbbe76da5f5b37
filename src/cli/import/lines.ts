import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { inexactNumberIn } from '../../json/exact-numbers.ts'
import { inexact, isJsonObject, type JsonObject } from '../options.ts'
import { textLines } from '../text-lines.ts'

/** The form of a file with devices. */
export type FileFormat = 'jsonl' | 'csv'

/** A device to import. */
export type DeviceLine = { readonly deviceId: string; readonly tags?: JsonObject; readonly desired?: JsonObject }

/** A line of the file, by its number from 1, with its device or the reason why it has none. */
export type Line = { readonly line: number } & ({ readonly device: DeviceLine } | { readonly problem: string })

/** More characters than any device that the hub accepts. Without a limit, a file without line ends would be kept in memory. */
const longestLine = 1_000_000

/** The lines of a file, or of standard input for `-`, as they are taken. Rejects when the file cannot be read. */
export async function* linesOf(file: string, format: FileFormat): AsyncGenerator<Line> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  try {
    yield* format === 'csv' ? csvLines(input) : jsonLines(input)
  } catch (error) {
    throw new Error(`${file === '-' ? 'Standard input' : file} cannot be read.`, { cause: error })
  } finally {
    input.destroy()
  }
}

/** The lines of JSON Lines. Empty lines are left out. */
export async function* jsonLines(input: Readable): AsyncGenerator<Line> {
  let line = 0
  for await (const each of textLines(input.setEncoding('utf8'), longestLine)) {
    line++
    // A file may begin with a byte order mark.
    const text = line === 1 ? each.replace(/^\ufeff/, '') : each
    if (text.length > longestLine) yield { line, problem: 'This line has more than a million characters.' }
    else if (text.trim() !== '') yield { line, ...jsonLine(text) }
  }
}

function jsonLine(text: string): { readonly device: DeviceLine } | { readonly problem: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'This is not JSON.' }
  }
  const number = inexactNumberIn(text)
  if (number !== undefined) return { problem: inexact(number) }
  return isJsonObject(value) ? deviceIn(value) : { problem: 'This is not a JSON object.' }
}

/** The rows of a CSV file with a header. A row that is not CSV has a problem, and reading continues after it, unless it is too long. */
export async function* csvLines(input: Readable): AsyncGenerator<Line> {
  const skipped: Line[] = []
  let tooLongAt: number | undefined
  const parser = parse({
    columns: true,
    bom: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: longestLine,
    on_skip: (error) => {
      if (error?.code === 'CSV_MAX_RECORD_SIZE') {
        // Nothing says where the next row begins. The rows before are still to be taken.
        tooLongAt ??= lineIn(error)
        input.unpipe(parser)
        parser.end()
      } else if (tooLongAt === undefined)
        skipped.push({ line: lineIn(error), problem: error?.message ?? 'This is not CSV.' })
    },
  })
  input.once('error', (error) => parser.destroy(error))
  for await (const { info, record } of input.pipe(parser)) {
    yield* skipped.splice(0)
    yield { line: info.lines, ...csvRow(record) }
  }
  yield* skipped
  if (tooLongAt !== undefined) {
    throw new Error(
      `A row has more than a million characters by line ${tooLongAt}. A quote before it may not be closed.`,
    )
  }
}

const lineIn = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'lines' in error && typeof error.lines === 'number' ? error.lines : 0

function csvRow(
  record: Readonly<Record<string, string>>,
): { readonly device: DeviceLine } | { readonly problem: string } {
  const members: [string, unknown][] = []
  for (const [name, text] of Object.entries(record)) {
    if (name === 'deviceId') members.push([name, text])
    else if (text !== '') {
      try {
        members.push([name, JSON.parse(text)])
      } catch {
        return { problem: `${name} is not JSON.` }
      }
      const number = inexactNumberIn(text)
      if (number !== undefined) return { problem: inexact(number) }
    }
  }
  return deviceIn(Object.fromEntries(members))
}

const members = ['deviceId', 'tags', 'desired']

/** The hub checks a device itself; here is only what could not be sent. */
function deviceIn(value: JsonObject): { readonly device: DeviceLine } | { readonly problem: string } {
  const { deviceId, tags, desired } = value
  const unknown = Object.keys(value).find((name) => !members.includes(name))
  if (unknown !== undefined) return { problem: `The member ${JSON.stringify(unknown)} is unknown.` }
  if (typeof deviceId !== 'string' || deviceId === '') return { problem: 'deviceId is missing.' }
  if (tags !== undefined && !isJsonObject(tags)) return { problem: 'tags is not a JSON object.' }
  if (desired !== undefined && !isJsonObject(desired)) return { problem: 'desired is not a JSON object.' }
  return { device: { deviceId, ...(tags && { tags }), ...(desired && { desired }) } }
}
