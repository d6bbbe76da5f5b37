import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import type { ConditionFault } from '../../condition/fault.ts'
import { formatCount } from '../../format.ts'
import { useFilterKey } from '../../keys/use-filter-key.ts'
import { describeCount, type Statistics } from '../../ui/statistics.ts'
import { showResult } from '../../ui/status.ts'
import styles from './filter-bar.module.css'
import { Condition, ErrorCodes, ResponseStatuses } from './filter-fields.tsx'
import { type Filters, results } from './filters.ts'

/** The filters of the table of devices. `fault`: where the hub found the condition to be wrong. */
export function FilterBar({
  filters,
  groups,
  statistics,
  fault,
  onChange,
}: {
  readonly filters: Filters
  readonly groups: NonNullable<JobNowFragment['failureGroups']>
  readonly statistics: Statistics | null
  readonly fault: ConditionFault | undefined
  readonly onChange: (filters: Filters) => void
}) {
  const bar = useFilterKey<HTMLElement>()
  const toggle = (result: Filters['result'][number]): void =>
    onChange({
      ...filters,
      result: filters.result.includes(result)
        ? filters.result.filter((one) => one !== result)
        : [...filters.result, result],
    })
  return (
    <search ref={bar} className={styles.bar} aria-label="Filter devices">
      <fieldset className={styles.statuses}>
        <legend>Result</legend>
        {results.map((result) => {
          const { word, tone } = showResult(result)
          return (
            <button
              key={result}
              type="button"
              className={styles.chip}
              aria-pressed={filters.result.includes(result)}
              onClick={() => toggle(result)}
            >
              {word} <span className={styles.count}>{describeCount(statistics, tone, formatCount)}</span>
            </button>
          )
        })}
      </fieldset>
      <ErrorCodes filters={filters} groups={groups} onChange={onChange} />
      <ResponseStatuses filters={filters} onChange={onChange} />
      <Condition filters={filters} fault={fault} onChange={onChange} />
    </search>
  )
}
