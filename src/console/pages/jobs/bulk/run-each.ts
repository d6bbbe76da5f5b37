/** How one of several requests ended. */
export type Outcome =
  | { readonly kind: 'done'; readonly newJobId?: string }
  | { readonly kind: 'refused'; readonly message: string }
  /** No answer: the hub may have done it or not. */
  | { readonly kind: 'unknown'; readonly message: string }

/** The outcome, or how long the hub wants the client to wait. */
export type Answer = Outcome | { readonly kind: 'later'; readonly seconds: number; readonly message: string }

/** Where one of several requests is. `unsent` is after a stop. */
export type Step = { readonly kind: 'waiting' | 'sending' | 'unsent' } | Outcome

/** How many requests are under way at a time. */
const mostAtOnce = 4

/** How often a request is sent that the hub refuses because of a limit. */
const mostTries = 10

/**
 * Sends a request for each item, a few at a time, until all are answered or `signal` stops it. A request that the hub
 * wants later is repeated then. Without an answer, nothing more is sent, because the hub may be unreachable. `onStep`
 * gets each change.
 */
export async function runEach<Item>(
  items: readonly Item[],
  {
    act,
    wait,
    signal,
    onStep,
  }: {
    readonly act: (item: Item) => Promise<Answer>
    /** Resolves after so many seconds, or after `signal`. */
    readonly wait: (seconds: number, signal: AbortSignal) => Promise<void>
    readonly signal: AbortSignal
    readonly onStep: (item: Item, step: Step) => void
  },
): Promise<void> {
  const lost = new AbortController()
  const stop = AbortSignal.any([signal, lost.signal])
  const settle = async (item: Item): Promise<Step> => {
    for (let tries = 1; ; tries++) {
      if (stop.aborted) return { kind: 'unsent' }
      onStep(item, { kind: 'sending' })
      const answer = await act(item)
      if (answer.kind === 'unknown') lost.abort()
      if (answer.kind !== 'later') return answer
      if (tries === mostTries) return { kind: 'refused', message: answer.message }
      onStep(item, { kind: 'waiting' })
      await wait(answer.seconds, stop)
    }
  }
  const left = items.values()
  const work = async (): Promise<void> => {
    for (const item of left) onStep(item, await settle(item))
  }
  await Promise.all(Array.from({ length: mostAtOnce }, work))
}
