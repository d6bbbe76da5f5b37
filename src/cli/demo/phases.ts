import { abortable } from '../abortable.ts'
import type { Screen } from '../terminal/screen.ts'
import { seconds } from '../terminal/words.ts'

/**
 * Runs one phase. `work` resolves to its result and a description of what it did, and may show its progress with `say`.
 */
export type Phase = <T>(
  doing: string,
  work: (say: (progress: string) => void) => Promise<readonly [result: T, done: string]>,
) => Promise<T>

/**
 * Creates a function that runs phases. The screen shows what a phase is doing, and afterwards what it did and how long
 * that took.
 */
export function createPhases(screen: Screen, signal: AbortSignal): Phase {
  return async (doing, work) => {
    const begin = performance.now()
    const say = (progress: string): void => screen.live([`        ${screen.style.busy('…')} ${doing} ${progress}`])
    say('')
    const [result, done] = await abortable(work(say), signal)
    screen.print(`${seconds(performance.now() - begin).padStart(7)}  ${done}`)
    return result
  }
}
