import { useEffect, useRef, useState } from 'react'
import { Icon } from '../../ui/icon.tsx'
import styles from './filter-bar.module.css'

/** Milliseconds after the last key until the list follows what is typed. */
const pause = 250

/** What is typed counts a moment after the last key; what comes from outside (the browser's Back) replaces it. */
export function IdPrefix({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
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
        aria-label="Device id begins with"
        placeholder="Device id begins with …"
        value={text}
        maxLength={128}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  )
}
