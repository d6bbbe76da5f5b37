import type { DeviceOrder } from '../../generated/console/graphql.ts'
import { printValue } from '../condition/completion-options.ts'
import type { ConditionFault } from '../condition/fault.ts'
import { readSort, type Sort, writeSort } from '../ui/sort.ts'
import { readTwinPath } from './twin-path.ts'

/**
 * The filters, the columns and the order of the list, which its address contains. Empty texts match everything.
 * `columns` are paths of the twin.
 */
export type DeviceList = {
  readonly condition: string
  readonly idPrefix: string
  readonly columns: readonly string[]
  readonly sort: Sort<'id'>
}

/** The default order. The hub orders devices by nothing else. */
export const byId: Sort<'id'> = { key: 'id', direction: 'ASC' }

type Filters = Pick<DeviceList, 'condition' | 'idPrefix'>

/** The maximum number of columns. */
export const mostColumns = 3

/** Reads `?condition=tags.site = 'north'&id=pump-&columns=tags.building,properties.reported.fw`. */
export function readAddress(search: URLSearchParams): DeviceList {
  const condition = search.get('condition')?.trim() ?? ''
  return {
    condition: condition === '*' ? '' : condition,
    idPrefix: search.get('id') ?? '',
    columns: readColumns(search.getAll('columns')),
    sort: readSort(search, ['id'], byId),
  }
}

/** The same address with another list; other parameters stay. */
export function writeAddress(
  { condition, idPrefix, columns, sort }: DeviceList,
  search: URLSearchParams,
): URLSearchParams {
  const written = writeSort(sort, search, byId)
  const set = (name: string, text: string): void => (text === '' ? written.delete(name) : written.set(name, text))
  set('condition', condition)
  set('id', idPrefix)
  written.delete('columns')
  // A path that contains a comma cannot be part of a comma-separated list.
  if (columns.some((path) => path.includes(','))) for (const path of columns) written.append('columns', path)
  else set('columns', columns.join(','))
  return written
}

/** Whether anything is filtered out. */
export function isFiltered({ condition, idPrefix }: Filters): boolean {
  return condition !== '' || idPrefix !== ''
}

/**
 * The condition of the query. A typed condition starts on its own line, so that faults in it can be located: see
 * `faultIn`.
 */
export function conditionOf({ condition, idPrefix }: Filters): string {
  if (idPrefix === '') return condition === '' ? '*' : condition
  const prefix = `STARTSWITH(deviceId, ${quote(idPrefix)})`
  return condition === '' ? prefix : `(\n${condition}\n) AND ${prefix}`
}

/** The order of the query. */
export function orderOf({ sort: { direction } }: DeviceList): DeviceOrder {
  return { field: 'DEVICE_ID', direction }
}

/** The same condition on one line, for display and for other pages. */
export function plainConditionOf(list: Filters): string {
  return conditionOf(list).replace(/\(\n([\s\S]*)\n\) AND /, '($1) AND ')
}

/** A fault of the whole condition, located in the typed part. A fault after the typed part is located at its end. */
export function faultIn({ condition, idPrefix }: Filters, fault: ConditionFault): ConditionFault {
  if (idPrefix === '' || condition === '') return fault
  const lines = condition.split('\n')
  const line = fault.line - 1
  if (line < 1) return { ...fault, line: 1, column: 1 }
  return line > lines.length
    ? { ...fault, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
    : { ...fault, line }
}

function readColumns(texts: readonly string[]): readonly string[] {
  const whole = texts.map(readTwinPath)
  const paths = texts.length > 1 && whole.every(Boolean) ? whole : texts.flatMap(apart)
  return [...new Set(paths.filter((path) => path !== undefined))].slice(0, mostColumns)
}

/** A text that is one path, possibly with a comma in it, is that path. Any other text with commas is a list. */
function apart(text: string): (string | undefined)[] {
  const parts = text.split(',').map(readTwinPath)
  const whole = readTwinPath(text)
  return whole !== undefined && parts.includes(undefined) ? [whole] : parts
}

/** A text as a string literal of a condition. */
export function quote(text: string): string {
  return printValue(text) ?? "''"
}
