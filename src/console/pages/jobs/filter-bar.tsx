import { useEffect, useRef, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { isFiltered, type ListFilter, statuses, types } from './filter.ts'
import styles from './filter-bar.module.css'

/** Milliseconds after the last key until the list follows what is typed. */
const pause = 250

/** What of the list is shown. */
export function FilterBar({
  filter,
  onChange,
}: {
  readonly filter: ListFilter
  readonly onChange: (filter: ListFilter) => void
}) {
  return (
    <search className={styles.bar} aria-label="Filter jobs">
      <IdPrefix value={filter.idPrefix} onChange={(idPrefix) => onChange({ ...filter, idPrefix })} />
      <Choices
        label="Status"
        words={statuses}
        chosen={filter.status}
        onChange={(status) => onChange({ ...filter, status })}
      />
      <Choices label="Type" words={types} chosen={filter.type} onChange={(type) => onChange({ ...filter, type })} />
      {isFiltered(filter) && (
        <Button kind="quiet" onClick={() => onChange({ status: [], type: [], idPrefix: '' })}>
          Clear
        </Button>
      )}
    </search>
  )
}

/** Any of some words; none is all. */
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

/** What is typed counts a moment after the last key; what comes from outside (the browser's Back) replaces it. */
function IdPrefix({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  const told = useRef(value)
  const tell = useRef(onChange)
  useEffect(() => {
    tell.current = onChange
  })
  useEffect(() => {
    if (value !== told.current) setText(value)
    told.current = value
  }, [value])
  useEffect(() => {
    if (text === told.current) return
    const timer = setTimeout(() => {
      told.current = text
      tell.current(text)
    }, pause)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div className={styles.search}>
      <Icon name="search" />
      <input
        type="search"
        className="control"
        aria-label="Job id begins with"
        placeholder="Job id begins with …"
        value={text}
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  )
}
