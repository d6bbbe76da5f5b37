import type { DeviceJobFilter, DeviceJobOrder, DeviceJobResult } from '../../../generated/console/graphql.ts'
import { readSort, type Sort, writeSort } from '../../ui/sort.ts'

/** What the hub can order the device jobs by. */
export type SortKey = 'device' | 'end'

const sortKeys = ['device', 'end'] as const satisfies readonly SortKey[]

const byDevice: Sort<SortKey> = { key: 'device', direction: 'ASC' }

/** Which device jobs the table shows. An empty list and an empty condition match everything. */
export type Filters = {
  readonly result: readonly DeviceJobResult[]
  readonly errorCode: readonly string[]
  readonly responseStatus: readonly number[]
  /** A condition over the twin of the device. */
  readonly condition: string
  readonly sort: Sort<SortKey>
}

const endResults: readonly DeviceJobResult[] = ['SUCCEEDED', 'REFUSED', 'FAILED', 'CANCELLED']

/** The results in the order in which they are shown. */
export const results: readonly DeviceJobResult[] = ['PENDING', 'RUNNING', ...endResults]

/** The default: all device jobs, ordered by device ID. */
export const noFilters: Filters = { result: [], errorCode: [], responseStatus: [], condition: '', sort: byDevice }

/** The names of the address parameters for the filters. */
const names = { result: 'result', errorCode: 'error', responseStatus: 'response', condition: 'where' }

/** The filters that an address asks for. Unknown values are ignored. */
export function readFilters(search: URLSearchParams): Filters {
  return {
    result: results.filter((result) => search.getAll(names.result).includes(result)),
    errorCode: distinct(search.getAll(names.errorCode).filter((code) => code !== '')),
    responseStatus: distinct(search.getAll(names.responseStatus).flatMap((text) => readStatuses(text) ?? [])),
    condition: search.get(names.condition)?.trim() ?? '',
    sort: readSort(search, sortKeys, byDevice),
  }
}

/** The address with these filters instead of the ones in `search`. Other parameters stay. */
export function writeFilters(search: URLSearchParams, filters: Filters): URLSearchParams {
  const written = writeSort(filters.sort, search, byDevice)
  for (const name of Object.values(names)) written.delete(name)
  for (const result of filters.result) written.append(names.result, result)
  for (const code of filters.errorCode) written.append(names.errorCode, code)
  for (const status of filters.responseStatus) written.append(names.responseStatus, String(status))
  if (filters.condition !== '') written.set(names.condition, filters.condition)
  return written
}

/**
 * The filters in the form of the query's argument. In the order of end times, only ended device jobs are listed unless
 * other results are selected, because the others would come first in descending order.
 */
export function variablesOf({ result, errorCode, responseStatus, condition, sort }: Filters): {
  readonly filter: DeviceJobFilter
  readonly orderBy: DeviceJobOrder
} {
  const listed = result.length === 0 && sort.key === 'end' ? endResults : result
  return {
    filter: {
      ...(listed.length > 0 && { result: listed }),
      ...(errorCode.length > 0 && { errorCode }),
      ...(responseStatus.length > 0 && { responseStatus }),
      ...(condition !== '' && { queryCondition: condition }),
    },
    orderBy: { field: sort.key === 'device' ? 'DEVICE_ID' : 'END_TIME', direction: sort.direction },
  }
}

/** Whether anything is filtered out. */
export function isFiltered({ result, errorCode, responseStatus, condition }: Filters): boolean {
  return result.length + errorCode.length + responseStatus.length > 0 || condition !== ''
}

/** The statuses in a text such as `200, 409`; undefined when it holds anything else. */
export function readStatuses(text: string): readonly number[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '')
  if (!parts.every((part) => /^-?\d{1,9}$/.test(part))) return undefined
  return distinct(parts.map(Number))
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)]
}
