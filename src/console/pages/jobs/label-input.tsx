import { useId, useState } from 'react'
import { isLabel } from './filter.ts'
import styles from './filter-bar.module.css'

/** Adds a label to the filter, by Enter: `team`, or `team=north`. */
export function LabelInput({ onAdd }: { readonly onAdd: (label: string) => void }) {
  const id = useId()
  const [text, setText] = useState('')
  const [isRefused, setRefused] = useState(false)
  return (
    <form
      className={styles.label}
      onSubmit={(event) => {
        event.preventDefault()
        const label = text.trim()
        const isValid = isLabel(label)
        setRefused(!isValid && label !== '')
        if (!isValid) return
        onAdd(label)
        setText('')
      }}
    >
      <input
        className="control"
        aria-label="Label"
        aria-describedby={isRefused ? id : undefined}
        aria-invalid={isRefused || undefined}
        placeholder="Label, or label=value"
        title="Press Enter to filter by the label."
        value={text}
        maxLength={265}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => {
          setText(target.value)
          setRefused(false)
        }}
      />
      <p id={id} className={styles.problem} role="alert">
        {isRefused && 'The name of a label has only letters, digits, dots, slashes, dashes and underscores.'}
      </p>
    </form>
  )
}
