/** The same promise, but rejected with the signal's reason as soon as it aborts. What was begun goes on unheard. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stopListening = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    const listener = (): void => reject(signal.reason)
    if (signal.aborted) listener()
    else signal.addEventListener('abort', listener, { once: true })
    stopListening = () => signal.removeEventListener('abort', listener)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    stopListening()
  }
}

/** Waits; rejects with the signal's reason when it aborts before. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return abortable(time, signal).finally(() => clearTimeout(timer))
}
