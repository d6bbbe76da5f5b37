import { useFilterKey } from '../../keys/use-filter-key.ts'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { SearchInput } from '../../ui/search-input.tsx'
import { isFiltered, type ListFilter, noFilter, outcomes, statuses, types } from './filter.ts'
import styles from './filter-bar.module.css'

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
    <search ref={bar} className={styles.bar} aria-label="Filter jobs">
      <SearchInput
        label="Job ID starts with"
        value={filter.idPrefix}
        maxLength={64}
        onChange={(idPrefix) => onChange({ ...filter, idPrefix })}
      />
      <Choices
        label="Status"
        words={statuses}
        chosen={filter.status}
        onChange={(status) => onChange({ ...filter, status, outcome: [] })}
      />
      <Choices
        label="Outcome"
        words={outcomes}
        chosen={filter.outcome}
        onChange={(outcome) => onChange({ ...filter, status: [], outcome })}
      />
      <Choices label="Type" words={types} chosen={filter.type} onChange={(type) => onChange({ ...filter, type })} />
      {filter.labels.map((label) => (
        <button
          key={label}
          type="button"
          className={styles.choice}
          aria-pressed
          aria-label={`Remove the filter by the label ${label}`}
          onClick={() => onChange({ ...filter, labels: filter.labels.filter((one) => one !== label) })}
        >
          {label} <Icon name="close" size={11} />
        </button>
      ))}
      {isFiltered(filter) && (
        <Button kind="quiet" onClick={() => onChange(noFilter)}>
          Clear
        </Button>
      )}
    </search>
  )
}

/** Any of some values; with no selection, all. */
function Choices<Value extends string>({
  label,
  words,
  chosen,
  onChange,
}: {
  readonly label: string
  readonly words: readonly { readonly value: Value; readonly word: string }[]
  readonly chosen: readonly Value[]
  readonly onChange: (chosen: readonly Value[]) => void
}) {
  return (
    <fieldset className={styles.choices}>
      <legend className="hidden">{label}</legend>
      {words.map(({ value, word }) => {
        const on = chosen.includes(value)
        return (
          <button
            key={value}
            type="button"
            aria-pressed={on}
            className={styles.choice}
            onClick={() => onChange(on ? chosen.filter((one) => one !== value) : [...chosen, value])}
          >
            {word}
          </button>
        )
      })}
    </fieldset>
  )
}
