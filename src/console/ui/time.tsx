import { useEffect, useState } from 'react'
import { formatMoment, formatRelative } from '../format.ts'
import styles from './time.module.css'

/** Milliseconds between updates of relative times. */
const tick = 5_000

/** A moment relative to now (`3 min ago`), with date and time in the tooltip. Its width does not change with each tick. */
export function Time({ value, absolute = false }: { readonly value: string; readonly absolute?: boolean }) {
  const now = useNow(absolute ? undefined : tick)
  const moment = formatMoment(value)
  return (
    <time className={styles.time} dateTime={value} title={moment}>
      {absolute ? moment : formatRelative(value, now)}
    </time>
  )
}

/**
 * The current time in milliseconds since 1970, updated every `interval` milliseconds, or never when that is undefined.
 */
export function useNow(interval: number | undefined): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (interval === undefined) return
    const timer = setInterval(() => setNow(Date.now()), interval)
    return () => clearInterval(timer)
  }, [interval])
  return now
}
