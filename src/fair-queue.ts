import type { Clock } from './clock.ts'
import { createHeavyWork, type HeavyBudget, type HeavyWork } from './throttle/heavy-work.ts'

/**
 * How much work may run at a time in total (`most`) and per caller (`each`), and how much of one caller may wait
 * (`waiting`). The first work of a caller runs alone for up to `firstAlone` milliseconds, so that two long pieces of work do
 * not begin together: only the end of one shows whether the caller's work is heavy.
 */
export type TurnLimits = {
  readonly most: number
  readonly each: number
  readonly waiting: number
  readonly firstAlone?: number
}

/** How heavy work is paced: by a budget of its own, or by one that it shares with other work. */
export type Pacing = {
  readonly clock: Pick<Clock, 'elapsed' | 'sleep'>
  readonly heavy: HeavyBudget | HeavyWork
}

/**
 * A request for a turn. `begin` receives the function that ends the turn; `turnAway` is called when there is no turn.
 */
type Entry = {
  readonly caller: string
  begin(end: () => void): void
  turnAway?(): void
  readonly signal?: AbortSignal | undefined
}

/** The running and waiting work of one caller. `begun`: when the latest began. `isKnown`: some of it has ended. */
type Line = { under: number; begun: number; isKnown: boolean; readonly waiting: Set<() => void> }

/**
 * Lets `most` pieces of work run at a time, and at most `each` of one caller. The caller with the least running work
 * comes next, so that a caller with many requests comes after those with few. A caller with heavy work gets one turn at
 * a time, and waits between them when its budget is used up; others do not wait for it. Returns undefined at once for
 * work that exceeds a caller's queue, and for waiting work whose `signal` aborts. `waiting` is how much work waits.
 */
export function takeTurns(turns: TurnLimits, pacing: Pacing) {
  const { enter, waiting } = createQueue(turns, pacing)
  const take = <T>(caller: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> =>
    new Promise((resolve) => {
      enter({
        caller,
        begin: (end) => resolve(workUntil(end, work)),
        turnAway: () => resolve(undefined),
        signal,
      })
    })
  return Object.assign(take, { waiting })
}

/** Lets `most` pieces of work run at a time. The others wait in order of arrival, however many there are. */
export function takeTurnsInOrder(most: number) {
  const { enter } = createQueue({ most, each: most, waiting: Number.POSITIVE_INFINITY })
  return <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve) => {
      enter({ caller: '', begin: (end) => resolve(workUntil(end, work)) })
    })
}

const heavyWorkOf = ({ heavy }: Pacing): HeavyWork => ('restOf' in heavy ? heavy : createHeavyWork(heavy))

async function workUntil<T>(end: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    end()
  }
}

function createQueue(
  { most, each, waiting, firstAlone = 0 }: TurnLimits,
  pacing?: Pacing,
): { enter(entry: Entry): void; waiting(): number } {
  const lines = new Map<string, Line>()
  const heavyWork = pacing && heavyWorkOf(pacing)
  let under = 0
  /** The end of the rest that is waited for. */
  let awaited: { readonly time: number; readonly stop: AbortController } | undefined

  const next = (): void => {
    let first: [string, Line] | undefined
    let soonest = Number.POSITIVE_INFINITY
    if (under < most) {
      const now = pacing?.clock.elapsed() ?? 0
      for (const entry of lines) {
        const [caller, line] = entry
        if (line.waiting.size === 0 || line.under >= (first?.[1].under ?? each)) continue
        if (line.under > 0 && heavyWork?.isBusy(caller, now)) continue
        const alone = line.under > 0 && !line.isKnown ? line.begun + firstAlone - now : 0
        const rest = Math.max(heavyWork?.restOf(caller, now) ?? 0, alone)
        if (rest > 0) soonest = Math.min(soonest, now + rest)
        else first = entry
      }
    }
    if (first === undefined) {
      awaitRest(soonest)
      return
    }
    const [caller, line] = first
    // Among callers with the same amount of running work, the one that had a turn last comes last.
    lines.delete(caller)
    lines.set(caller, line)
    const [begin] = line.waiting
    if (begin === undefined) return
    line.waiting.delete(begin)
    line.under++
    under++
    begin()
    next()
  }

  const awaitRest = (time: number): void => {
    if (pacing === undefined || time >= (awaited?.time ?? Number.POSITIVE_INFINITY)) return
    awaited?.stop.abort()
    const rest = { time, stop: new AbortController() }
    awaited = rest
    void pacing.clock.sleep(Math.max(time - pacing.clock.elapsed(), 0), rest.stop.signal).then(() => {
      if (awaited !== rest) return
      awaited = undefined
      next()
    })
  }

  const enter = ({ caller, begin, turnAway, signal }: Entry): void => {
    const line = lines.get(caller) ?? { under: 0, begun: 0, isKnown: false, waiting: new Set() }
    if (signal?.aborted || line.waiting.size >= waiting) {
      turnAway?.()
      return
    }
    lines.set(caller, line)
    const leave = (): void => {
      if (line.under === 0 && line.waiting.size === 0) lines.delete(caller)
    }
    let begun = 0
    const end = (): void => {
      line.under--
      line.isKnown = true
      under--
      if (pacing !== undefined) {
        const now = pacing.clock.elapsed()
        heavyWork?.count(caller, now - begun, now)
      }
      leave()
      next()
    }
    const take = (): void => {
      signal?.removeEventListener('abort', give)
      if (pacing !== undefined) begun = pacing.clock.elapsed()
      line.begun = begun
      begin(end)
    }
    const give = (): void => {
      line.waiting.delete(take)
      leave()
      turnAway?.()
    }
    line.waiting.add(take)
    next()
    // Most work has its turn at once.
    if (line.waiting.has(take)) signal?.addEventListener('abort', give, { once: true })
  }
  return {
    enter,
    waiting: () => [...lines.values()].reduce((sum, line) => sum + line.waiting.size, 0),
  }
}
