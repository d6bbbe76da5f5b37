import { type Asker, type BoundedReader, readInTime } from '../database/bounded-read.ts'
import type { Deps } from '../deps.ts'
import { aggregateDevices, findDeviceGroups, findDeviceTwins, findDeviceValues } from '../device/selection-store.ts'
import { InvalidInputError } from '../errors.ts'
import { findDeviceJobRows } from '../job/device-job-store.ts'
import type { JsonObject } from '../json.ts'
import type { Condition, Statement } from '../query/ast.ts'
import { compileCondition } from '../query/compiler.ts'
import type { ParseOptions } from '../query/expression.ts'
import { deviceFields, deviceJobFields, jobFieldNames } from '../query/fields.ts'
import { compileSelection, resultPaths } from '../query/selection.ts'
import { splitCondition } from '../query/split.ts'
import { parseStatement } from '../query/statement.ts'
import { twinDocument } from '../twin/service-document.ts'
import { readContinuation, writeContinuation } from './continuation.ts'
import { deviceJobDocument } from './device-job-document.ts'
import { memberResult, resultOf } from './result.ts'

/** What the items of a page are: whole twins, whole device jobs, or what a SELECT list makes of them. */
export type ItemType = 'Twin' | 'DeviceJob' | 'Raw'

/** A page of results; without a continuation it is the last. */
export type StatementPage = {
  readonly itemType: ItemType
  readonly items: readonly JsonObject[]
  readonly continuation?: string
}

/** No page has more rows, whatever is asked for. */
export const maxPageSize = 1000

/** A row of results with the keys by which the rows are ordered. */
type Row = { readonly keys: readonly string[]; readonly item: JsonObject }

/** How the rows of a statement are read: up to `limit` beyond those of `keys`, which match `patterns`. */
type Plan = {
  readonly itemType: ItemType
  readonly patterns: readonly RegExp[]
  read(db: BoundedReader, keys: readonly string[] | undefined, limit: number): Promise<Row[]>
}

/** What PostgreSQL's text can hold. */
const storable = /^[^\0\p{Surrogate}]*$/u
const integer = /^\d{1,18}$/
const digest = /^[0-9a-f]{32}$/

/**
 * Runs `SELECT … FROM …` on the live tables and answers a page of at most `size` rows. Rows that come or go between two
 * pages make no other row appear twice or not at all. QueryConditionError for a statement that does not parse;
 * InvalidInputError `size` for a page size below 1, `continuation` for a token of another text or page size.
 */
export async function runStatement(
  deps: Pick<Deps, 'db' | 'limits'>,
  asker: Asker,
  text: string,
  page: { readonly size: number; readonly continuation?: string | undefined },
  options: ParseOptions = {},
): Promise<StatementPage> {
  const statement = parseStatement(text, options)
  const { itemType, patterns, read } = planOf(statement)
  if (!Number.isInteger(page.size) || page.size < 1) {
    throw new InvalidInputError(['size'], 'A page has at least one row.')
  }
  const size = Math.min(page.size, maxPageSize)
  const question = JSON.stringify([text, size])
  const { keys, left } =
    page.continuation === undefined
      ? { keys: undefined, left: statement.top }
      : readContinuation(question, page.continuation, patterns)

  const limit = Math.min(size, left ?? size)
  const rows = await readInTime(deps, asker, (db) => read(db, keys, limit + 1))
  const items = rows.slice(0, limit).map((row) => row.item)
  const last = rows[limit - 1]
  const leftNext = left === undefined ? undefined : left - limit
  if (rows.length <= limit || last === undefined || leftNext === 0) return { itemType, items }
  return { itemType, items, continuation: writeContinuation(question, { keys: last.keys, left: leftNext }) }
}

function planOf(statement: Statement): Plan {
  return statement.collection === 'devices.jobs' ? planOverDeviceJobs(statement) : planOverDevices(statement)
}

/** What no row meets. */
const never: Condition = {
  kind: 'where',
  expression: { kind: 'literal', value: false, position: { line: 1, column: 1 } },
}

/** This hub has no modules: what is asked of `devices.modules` is asked of no device. */
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
        async read(db, [cursor] = [], limit) {
          const rows = await findDeviceTwins(db, condition, { cursor, limit })
          return rows.map(({ device, twin }) => ({ keys: [device.id], item: twinDocument(device, twin) }))
        },
      }
    case 'rows':
      return {
        itemType: 'Raw',
        patterns: [storable],
        async read(db, [cursor] = [], limit) {
          const rows = await findDeviceValues(db, condition, selection.values, { cursor, limit })
          return rows.map(({ id, values }) => ({ keys: [id], item: resultOf(selection.columns, values) }))
        },
      }
    case 'total':
      return {
        itemType: 'Raw',
        patterns: [],
        async read(db) {
          const values = await aggregateDevices(db, condition, selection.values)
          return [{ keys: [], item: resultOf(selection.columns, values) }]
        },
      }
    case 'groups':
      return {
        itemType: 'Raw',
        patterns: [storable, digest],
        async read(db, keys, limit) {
          const [beginning = '', digest = ''] = keys ?? []
          const cursor = keys && { beginning, digest }
          const groups = await findDeviceGroups(db, condition, selection, { cursor, limit })
          return groups.map((group) => ({
            keys: [group.beginning ?? '', group.digest ?? ''],
            item: resultOf(selection.columns, [group.value, ...group.values]),
          }))
        },
      }
  }
}

function planOverDeviceJobs({ condition, items }: Statement): Plan {
  const [early, late] = splitCondition(condition, deviceJobFields, jobFieldNames)
  const conditions = {
    ofJob: compileCondition(early, deviceJobFields),
    ofDeviceJob: compileCondition(late, deviceJobFields),
  }
  const columns = items && resultPaths(items, deviceJobFields)
  return {
    itemType: columns === undefined ? 'DeviceJob' : 'Raw',
    patterns: [integer, storable],
    async read(db, keys, limit) {
      const [jobKey = '', deviceId = ''] = keys ?? []
      const rows = await findDeviceJobRows(db, conditions, { cursor: keys && { jobKey, deviceId }, limit })
      return rows.map((row) => {
        const document = deviceJobDocument(row)
        return {
          keys: [row.jobKey, row.deviceId],
          item: columns === undefined ? document : memberResult(document, columns),
        }
      })
    },
  }
}
