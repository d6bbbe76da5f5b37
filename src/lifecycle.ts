/** A started part that will have to be stopped. */
type Started = { readonly name: string; stop(): Promise<void> | void }

/** The started parts, in order; they are stopped in reverse. */
export type Lifecycle = {
  /** Registers how to stop what has just been started. After `stop` has ended, it is stopped at once. */
  onStop(name: string, stop: Started['stop']): void
  /** Stops all of them, whatever fails, and then rejects with the failures. Once: a second call waits for the first. */
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
    if (errors.length > 0) throw new AggregateError(errors, 'Some parts of the hub could not be stopped.')
  }
  return {
    onStop: (name, stop) => {
      started.push({ name, stop })
      // There is no caller any more to report a failure to.
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
