/**
 * Settles like `promise`, or rejects with the signal's reason as soon as it aborts. The work behind the promise
 * continues, and its result is ignored.
 */
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

/** Waits `ms` milliseconds. Rejects with the signal's reason if it aborts before. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return abortable(time, signal).finally(() => clearTimeout(timer))
}
