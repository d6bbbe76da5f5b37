import { useEffect, useRef, useState } from 'react'
import { Icon } from './icon.tsx'
import styles from './search-input.module.css'

/** Milliseconds after the last key until the typed text is applied. */
const pause = 250

/**
 * Applies the typed text a moment after the last key. A value from outside, such as by the browser's Back, replaces it.
 */
export function SearchInput({
  label,
  value,
  maxLength,
  onChange,
}: {
  /** The accessible name, and the placeholder. */
  readonly label: string
  readonly value: string
  readonly maxLength: number
  readonly onChange: (value: string) => void
}) {
  const [text, setText] = useState(value)
  const applied = useRef(value)
  const apply = useRef(onChange)
  useEffect(() => {
    apply.current = onChange
  })
  useEffect(() => {
    if (value !== applied.current) setText(value)
    applied.current = value
  }, [value])
  useEffect(() => {
    if (text === applied.current) return
    const timer = setTimeout(() => {
      applied.current = text
      apply.current(text)
    }, pause)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div className={styles.search}>
      <Icon name="search" />
      <input
        type="search"
        className="control"
        aria-label={label}
        placeholder={`${label}…`}
        value={text}
        maxLength={maxLength}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={({ target }) => setText(target.value)}
      />
    </div>
  )
}
