/** Something that was started and will have to be stopped. */
type Started = { readonly name: string; stop(): Promise<void> | void }

/** What was started, in order; it is stopped in reverse. */
export type Lifecycle = {
  /** Keeps how to stop what has just been started. After `stop` has ended it is stopped at once. */
  onStop(name: string, stop: Started['stop']): void
  /** Stops all of it, whatever fails, and then says what did. Once: a second call waits for the first. */
  stop(): Promise<void>
}

export function createLifecycle(): Lifecycle {
  const started: Started[] = []
  let stopping: Promise<void> | undefined
  let hasStopped = false
  const stopAll = async (): Promise<void> => {
    const errors: unknown[] = []
    for (let item = started.pop(); item !== undefined; item = started.pop()) {
      try {
        await item.stop()
      } catch (error) {
        errors.push(new Error(`${item.name} could not be stopped`, { cause: error }))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Not everything could be stopped.')
  }
  return {
    onStop: (name, stop) => {
      started.push({ name, stop })
      // Nobody is there any more to hear of a failure.
      if (hasStopped) stopAll().catch(() => {})
    },
    stop: () => {
      stopping ??= stopAll().finally(() => {
        hasStopped = true
      })
      return stopping
    },
  }
}
