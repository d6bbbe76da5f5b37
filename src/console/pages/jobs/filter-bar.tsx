import { useFilterKey } from '../../keys/use-filter-key.ts'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { SearchInput } from '../../ui/search-input.tsx'
import { isFiltered, type ListFilter, noFilter, outcomes, statuses, types } from './filter.ts'
import styles from './filter-bar.module.css'
import { LabelInput } from './label-input.tsx'

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
        label="Search ID, name, method"
        value={filter.text}
        maxLength={200}
        onChange={(text) => onChange({ ...filter, text })}
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
      <LabelInput
        onAdd={(label) => onChange({ ...filter, labels: [...filter.labels.filter((one) => one !== label), label] })}
      />
      {filter.labels.map((label) => (
        <Chip
          key={label}
          text={label}
          what={`the label ${label}`}
          onRemove={() => onChange({ ...filter, labels: filter.labels.filter((one) => one !== label) })}
        />
      ))}
      {filter.idPrefix !== '' && (
        <Chip
          text={`ID ${filter.idPrefix}…`}
          what={`ID ${filter.idPrefix}…`}
          onRemove={() => onChange({ ...filter, idPrefix: '' })}
        />
      )}
      {isFiltered(filter) && (
        <Button kind="quiet" onClick={() => onChange(noFilter)}>
          Clear
        </Button>
      )}
    </search>
  )
}

/** A filter that only goes away. */
function Chip({
  text,
  what,
  onRemove,
}: {
  readonly text: string
  readonly what: string
  readonly onRemove: () => void
}) {
  return (
    <button type="button" className={styles.chip} aria-label={`Remove the filter by ${what}`} onClick={onRemove}>
      <span>{text}</span> <Icon name="close" size={11} />
    </button>
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
