import type { Clock } from '../clock.ts'

/** Writes a line at once; when it repeats, how often, once per interval. */
export type DeduplicatedLog<Details> = (details: Details) => void

/** Milliseconds between two equal lines. */
export const gatherInterval = 60_000

/** Number of keys that are counted separately. Further ones are counted with the last of them. */
const mostKeys = 100

/**
 * Gathers equal lines: the first is written at once, those of the next minute are counted and written as one, and so on
 * while they continue. `keyOf` decides which are equal; `write` gets the details of the last line, and how many were
 * not written since the one before.
 */
export function deduplicateLog<Details>(
  clock: Clock,
  {
    keyOf = () => '',
    write,
    interval = gatherInterval,
  }: {
    readonly keyOf?: (details: Details) => string
    readonly write: (details: Details, notWritten: number) => void
    readonly interval?: number
  },
): DeduplicatedLog<Details> {
  type Gathered = { count: number; last: Details }
  const open = new Map<string, Gathered>()
  const gather = async (key: string, gathered: Gathered): Promise<void> => {
    for (;;) {
      await clock.sleep(interval)
      if (gathered.count === 0) break
      const { count, last } = gathered
      gathered.count = 0
      write(last, count - 1)
    }
    open.delete(key)
  }
  return (details) => {
    const own = keyOf(details)
    const key = open.has(own) || open.size < mostKeys ? own : ''
    const gathered = open.get(key)
    if (gathered !== undefined) {
      gathered.count++
      gathered.last = details
      return
    }
    const first: Gathered = { count: 0, last: details }
    open.set(key, first)
    write(details, 0)
    void gather(key, first)
  }
}
