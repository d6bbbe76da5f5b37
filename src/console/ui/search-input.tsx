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
