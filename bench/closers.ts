/** What is to be closed, in the order opposite to that in which it was opened; all of it, also when some of that fails. */
export type Closers = { add(close: () => Promise<void>): void; close(): Promise<void> }

export function createClosers(): Closers {
  const steps: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    const step = steps.pop()
    if (step === undefined) return
    try {
      await step()
    } finally {
      await close()
    }
  }
  return { add: (step) => steps.push(step), close }
}
