import { type Asker, type BoundedReader, readInTime, readPage } from '../database/bounded-read.ts'
import type { Deps } from '../deps.ts'
import { aggregateDevices, findDeviceGroups, findDeviceTwins, findDeviceValues } from '../device/selection-store.ts'
import { InvalidInputError } from '../errors.ts'
import { findDeviceJobRows } from '../job/store/device-jobs.ts'
import { type JsonPiece, JsonText, jsonPieces } from '../json/json-text.ts'
import { itemsWithin } from '../limits/answer-budget.ts'
import type { Condition, SelectItem, Statement } from '../query/ast.ts'
import { compileCondition } from '../query/compiler.ts'
import type { ParseOptions } from '../query/expression.ts'
import { deviceFields, deviceJobFields, jobFieldNames } from '../query/fields.ts'
import { normalizeEnumLiterals } from '../query/normalize-enum-literals.ts'
import { compileSelection, resultPaths } from '../query/selection.ts'
import { splitCondition } from '../query/split-condition.ts'
import { parseStatement } from '../query/statement.ts'
import { everything } from '../scope.ts'
import { twinText } from '../twin/service-document.ts'
import { readStatementContinuation, writeStatementContinuation } from './continuation.ts'
import { deviceJobDocument } from './device-job-document.ts'
import { memberResult, resultOf } from './result.ts'

/** The kind of items on a page: whole twins, whole device jobs, or the results of a SELECT list. */
export type ItemType = 'Twin' | 'DeviceJob' | 'Raw'

/** A page of results; a page without a continuation is the last. */
export type StatementPage = {
  readonly itemType: ItemType
  readonly items: readonly JsonText[]
  readonly continuation?: string
}

/** Maximum number of rows per page, whatever is requested. */
export const maxPageSize = 1000

/** A row of results with its sort keys. Its item, JSON in pieces, is created when there is room for it. */
type Row = { readonly keys: readonly string[]; readonly item: () => readonly JsonPiece[] | undefined }

/** Rows, and whether others may follow because there was no room for them. */
type Rows = { readonly rows: readonly Row[]; readonly cut: boolean }

/**
 * How the rows of a statement are read: up to `limit` beyond those of `keys`, which match `patterns`, up to the one
 * with which they exceed `maxBytes`.
 */
type Plan = {
  readonly itemType: ItemType
  readonly patterns: readonly RegExp[]
  read(db: BoundedReader, keys: readonly string[] | undefined, limit: number, maxBytes: number): Promise<Rows>
}

const isAggregate = ({ kind }: SelectItem): boolean => kind === 'aggregate'

/** Text that PostgreSQL can store. */
const storable = /^[^\0\p{Surrogate}]*$/u
const integer = /^\d{1,18}$/
const digest = /^[0-9a-f]{32}$/

/**
 * Runs `SELECT … FROM …` on the live tables and returns a page of at most `size` rows, or fewer when they would exceed
 * the bytes of a page. Rows that appear or disappear between two pages do not make any other row appear twice or not at
 * all. QueryConditionError for a statement that does not parse; InvalidInputError `size` for a page size below 1,
 * `continuation` for a token of another text or page size.
 */
export async function runStatement(
  deps: Pick<Deps, 'clock' | 'db' | 'limits'>,
  asker: Asker,
  text: string,
  page: { readonly size: number; readonly continuation?: string | undefined },
  options: ParseOptions = {},
): Promise<StatementPage> {
  const statement = parseStatement(text, options)
  const { itemType, patterns, read } = planOf(statement)
  const readRows = statement.groupBy === undefined && !statement.items?.some(isAggregate) ? readPage : readInTime
  if (!Number.isInteger(page.size) || page.size < 1) {
    throw new InvalidInputError(['size'], 'A page must have at least one row.')
  }
  const size = Math.min(page.size, maxPageSize)
  const question = JSON.stringify([text, size])
  const { keys, left } =
    page.continuation === undefined
      ? { keys: undefined, left: statement.top }
      : readStatementContinuation(question, page.continuation, patterns)

  const limit = Math.min(size, left ?? size)
  const { pageBytes } = deps.limits
  const { rows, cut } = await readRows(deps, asker, (db) => read(db, keys, limit + 1, pageBytes))
  const items = await itemsWithin(asker.turns ?? deps.clock, rows.slice(0, limit), (row) => row.item(), pageBytes)
  const last = rows[items.length - 1]
  const leftNext = left === undefined ? undefined : left - items.length
  const isWhole = rows.length === items.length && !cut
  if (isWhole || last === undefined || leftNext === 0) return { itemType, items }
  return { itemType, items, continuation: writeStatementContinuation(question, { keys: last.keys, left: leftNext }) }
}

function planOf(statement: Statement): Plan {
  return statement.collection === 'devices.jobs' ? planOverDeviceJobs(statement) : planOverDevices(statement)
}

/** A condition that no row meets. */
const never: Condition = {
  kind: 'where',
  expression: { kind: 'literal', value: false, position: { line: 1, column: 1 } },
}

/** This hub has no modules: queries on `devices.modules` match no device. */
function planOverDevices(statement: Statement): Plan {
  const condition = compileCondition(
    statement.collection === 'devices.modules' ? never : statement.condition,
    deviceFields,
  )
  const selection = compileSelection(statement, deviceFields)
  switch (selection.kind) {
    case 'whole':
      return {
        itemType: 'Twin',
        patterns: [storable],
        async read(db, [cursor] = [], limit, maxBytes) {
          const { rows, cut } = await findDeviceTwins(db, everything, condition, { cursor, limit }, maxBytes)
          const twins = rows.map(({ device, twin }) => ({ keys: [device.id], item: () => [twinText(device, twin)] }))
          return { rows: twins, cut }
        },
      }
    case 'rows':
      return {
        itemType: 'Raw',
        patterns: [storable],
        async read(db, [cursor] = [], limit, maxBytes) {
          const page = { cursor, limit }
          const { rows, cut } = await findDeviceValues(db, everything, condition, selection.values, page, maxBytes)
          const results = rows.map((row) => ({
            keys: [row.id],
            item: () => {
              const values = row.values()
              return values === null ? undefined : resultOf(selection.columns, values)
            },
          }))
          return { rows: results, cut }
        },
      }
    case 'total':
      return {
        itemType: 'Raw',
        patterns: [],
        async read(db) {
          const values = await aggregateDevices(db, everything, condition, selection.values)
          return { rows: [{ keys: [], item: () => resultOf(selection.columns, values) }], cut: false }
        },
      }
    case 'groups':
      return {
        itemType: 'Raw',
        patterns: [storable, digest],
        async read(db, keys, limit, maxBytes) {
          const [beginning = '', digest = ''] = keys ?? []
          const cursor = keys && { beginning, digest }
          const { rows, cut } = await findDeviceGroups(
            db,
            everything,
            condition,
            selection,
            { cursor, limit },
            maxBytes,
          )
          const groups = rows.map((group) => ({
            keys: [group.beginning ?? '', group.digest ?? ''],
            item: () => resultOf(selection.columns, [group.value, ...group.values]),
          }))
          return { rows: groups, cut }
        },
      }
  }
}

function planOverDeviceJobs({ condition, items }: Statement): Plan {
  const [early, late] = splitCondition(
    normalizeEnumLiterals(condition, deviceJobFields),
    deviceJobFields,
    jobFieldNames,
  )
  const conditions = {
    ofJob: compileCondition(early, deviceJobFields),
    ofDeviceJob: compileCondition(late, deviceJobFields),
  }
  const columns = items && resultPaths(items, deviceJobFields)
  return {
    itemType: columns === undefined ? 'DeviceJob' : 'Raw',
    patterns: [integer, storable],
    async read(db, keys, limit, maxBytes) {
      const [jobKey = '', deviceId = ''] = keys ?? []
      const page = { cursor: keys && { jobKey, deviceId }, limit }
      const { rows, cut } = await findDeviceJobRows(db, everything, conditions, page, maxBytes)
      const results = rows.map((row) => ({
        keys: [row.jobKey, row.deviceId],
        item: () => {
          const { responsePayload: payload } = row
          const document = deviceJobDocument(row, payload === null ? null : new JsonText(payload))
          return columns === undefined ? jsonPieces(document) : memberResult(document, columns)
        },
      }))
      return { rows: results, cut }
    },
  }
}
