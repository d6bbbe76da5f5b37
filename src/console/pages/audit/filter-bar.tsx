import type { ReactNode } from 'react'
import { useFilterKey } from '../../keys/use-filter-key.ts'
import { localOf, momentOf } from '../../local-time.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { SearchInput } from '../../ui/search-input.tsx'
import { isFiltered, type ListFilter, noFilter, outcomes } from './filter.ts'
import styles from './filter-bar.module.css'
import { operations, wordOf } from './operations.ts'
import { showOutcome } from './outcome.ts'

/** The filters of the list. */
export function FilterBar({
  filter,
  onChange,
}: {
  readonly filter: ListFilter
  readonly onChange: (filter: ListFilter) => void
}) {
  const bar = useFilterKey<HTMLElement>()
  return (
    <search ref={bar} className={styles.bar} aria-label="Filter the audit">
      <SearchInput
        label="Actor, exact name"
        value={filter.actor}
        maxLength={256}
        onChange={(actor) => onChange({ ...filter, actor })}
      />
      <SearchInput
        label="Device or job ID"
        value={filter.target}
        maxLength={128}
        onChange={(target) => onChange({ ...filter, target })}
      />
      <Choice
        label="Operation"
        value={filter.operation.join(',')}
        onChange={(names) => onChange({ ...filter, operation: names.split(',').filter(Boolean) })}
      >
        <option value="">All operations</option>
        {optionsFor(filter.operation).map(({ word, names }) => (
          <option key={word} value={names.join(',')}>
            {word}
          </option>
        ))}
      </Choice>
      <Choice
        label="Outcome"
        value={filter.outcome ?? ''}
        onChange={(name) => onChange({ ...filter, outcome: outcomes.find(({ value }) => value === name)?.value })}
      >
        <option value="">All outcomes</option>
        {outcomes.map(({ value }) => (
          <option key={value} value={value}>
            {showOutcome(value).word}
          </option>
        ))}
      </Choice>
      <div className={styles.range}>
        <Moment label="From" value={filter.from} onChange={(from) => onChange({ ...filter, from })} />
        <Moment label="Before" value={filter.to} onChange={(to) => onChange({ ...filter, to })} />
      </div>
      {isFiltered(filter) && (
        <Button kind="quiet" onClick={() => onChange(noFilter)}>
          Clear
        </Button>
      )}
    </search>
  )
}

/** What can be chosen: all operations that the console knows, and what the address has. */
function optionsFor(
  chosen: readonly string[],
): readonly { readonly word: string; readonly names: readonly string[] }[] {
  const isKnown = operations.some(({ names }) => names.join(',') === chosen.join(','))
  return isKnown || chosen.length === 0
    ? operations
    : [...operations, { word: chosen.map(wordOf).join(', '), names: chosen }]
}

function Choice({
  label,
  value,
  onChange,
  children,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly children: ReactNode
}) {
  return (
    <select
      className={`control ${styles.choice}`}
      aria-label={label}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    >
      {children}
    </select>
  )
}

/** A moment in the time zone of the browser. */
function Moment({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string | undefined
  readonly onChange: (value: string | undefined) => void
}) {
  return (
    <div className={styles.moment}>
      <Field label={label}>
        {(control) => (
          <input
            {...control}
            type="datetime-local"
            title="In the time zone of your browser"
            value={value === undefined ? '' : localOf(Date.parse(value))}
            onChange={({ target }) => onChange(momentOf(target.value))}
          />
        )}
      </Field>
    </div>
  )
}
