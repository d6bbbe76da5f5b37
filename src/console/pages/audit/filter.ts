import type { AuditFilter, AuditOutcome } from '../../../generated/console/graphql.ts'
import { momentOf } from '../../local-time.ts'

/** The filters of the list, which its address contains. Empty texts and lists, and undefined, match everything. */
export type ListFilter = {
  readonly actor: string
  readonly target: string
  /** The names of operations. */
  readonly operation: readonly string[]
  readonly outcome: AuditOutcome | undefined
  /** Moments in ISO 8601; `to` is exclusive. */
  readonly from: string | undefined
  readonly to: string | undefined
}

/** The default: all entries. */
export const noFilter: ListFilter = {
  actor: '',
  target: '',
  operation: [],
  outcome: undefined,
  from: undefined,
  to: undefined,
}

/** The outcomes with their words in the address. */
export const outcomes: readonly { readonly value: AuditOutcome; readonly key: string }[] = [
  { value: 'SUCCEEDED', key: 'succeeded' },
  { value: 'REFUSED', key: 'refused' },
  { value: 'DENIED', key: 'denied' },
  { value: 'FAILED', key: 'failed' },
]

/**
 * Reads `?actor=Anna&operation=updateTwin&target=pump-1&outcome=denied&from=…&to=…`. Values that are not valid are
 * ignored.
 */
export function readFilter(search: URLSearchParams): ListFilter {
  const text = (name: string): string => search.get(name) ?? ''
  return {
    actor: text('actor'),
    target: text('target'),
    operation: text('operation').split(',').filter(Boolean),
    outcome: outcomes.find(({ key }) => key === text('outcome').toLowerCase())?.value,
    from: momentOf(text('from')),
    to: momentOf(text('to')),
  }
}

/** The same address with another filter; other parameters stay. */
export function writeFilter(filter: ListFilter, search: URLSearchParams): URLSearchParams {
  const written = new URLSearchParams(search)
  const texts = {
    ...filter,
    operation: filter.operation.join(','),
    outcome: outcomes.find(({ value }) => value === filter.outcome)?.key,
  }
  for (const [name, text] of Object.entries(texts)) {
    if (text) written.set(name, text)
    else written.delete(name)
  }
  return written
}

/** The filter of the query. */
export function toAuditFilter({ actor, target, operation, outcome, from, to }: ListFilter): AuditFilter {
  return {
    ...(actor !== '' && { actor }),
    ...(target !== '' && { target }),
    ...(operation.length > 0 && { operation: [...operation] }),
    ...(outcome !== undefined && { outcome: [outcome] }),
    ...((from !== undefined || to !== undefined) && { time: { from: from ?? null, to: to ?? null } }),
  }
}

/** Whether anything is left out. */
export const isFiltered = (filter: ListFilter): boolean => Object.keys(toAuditFilter(filter)).length > 0
