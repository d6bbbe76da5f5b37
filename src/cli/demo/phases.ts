import { abortable } from '../abortable.ts'
import type { Screen } from '../terminal/screen.ts'
import { seconds } from '../terminal/words.ts'

/** Runs one phase: `work` gives its result and what it did, in words, and may say how far it is. */
export type Phase = <T>(
  doing: string,
  work: (say: (progress: string) => void) => Promise<readonly [result: T, done: string]>,
) => Promise<T>

/** Phases that tell what they do while they do it, and afterwards what they did and how long it took. */
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
