import { useEffect, useState } from 'react'
import { formatMoment, formatRelative, formatUtcMoment } from '../format.ts'
import styles from './time.module.css'
import { chooseTimeForm, nextForm, useTimeForm } from './time-form.ts'

/** Milliseconds between updates of relative times. */
const tick = 5_000

/**
 * A moment relative to now (`3 min ago`). A click, a tap or Enter switches all times of the console to date and time
 * with the time zone, to UTC, and back. `describe` has another text for the first form; with `absolute` it is date and
 * time.
 */
export function Time({
  value,
  absolute = false,
  describe = formatRelative,
}: {
  readonly value: string
  readonly absolute?: boolean
  /** Returns the text for a time `now`, in milliseconds since 1970. */
  readonly describe?: (value: string, now: number) => string
}) {
  const form = useTimeForm()
  const now = useNow(absolute || form !== 'relative' ? undefined : tick)
  const local = formatMoment(value)
  const texts = { relative: absolute ? local : describe(value, now), local, utc: formatUtcMoment(value) }
  const others = [...new Set([texts.local, texts.utc])].filter((text) => text !== texts[form])
  return (
    <button
      type="button"
      className={styles.time}
      title={[...others, 'Select to change how times are shown.'].join(' · ')}
      onClick={() => chooseTimeForm(nextForm(form, texts))}
    >
      <time dateTime={value}>{texts[form]}</time>
    </button>
  )
}

/**
 * The current time in milliseconds since 1970, updated every `interval` milliseconds, or never when that is undefined.
 */
export function useNow(interval: number | undefined): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (interval === undefined) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), interval)
    return () => clearInterval(timer)
  }, [interval])
  return now
}
