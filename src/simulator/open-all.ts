import { deferred } from './deferred.ts'
import type { Device } from './device.ts'
import { ConnectTimeoutError } from './errors.ts'

/** How fast a fleet connects. */
export type ConnectOptions = {
  /** Connect these devices, whatever their behaviour. Without it: all but those that are offline. */
  readonly deviceIds?: readonly string[]
  /** How many may be on their way at once; 200 unless said otherwise. */
  readonly parallel?: number
  /** How many may start in a second; as many as can unless said otherwise. */
  readonly perSecond?: number
  /** When to give up waiting; 60,000 unless said otherwise. Devices go on trying. */
  readonly timeoutMs?: number
  /** Called after every device that has connected. */
  readonly onProgress?: (connected: number, expected: number) => void
}

/**
 * Opens all devices, so many at a time and in a second. Rejects with the first failure that is final for a device, and
 * with ConnectTimeoutError when the time is up or `signal` aborts.
 */
export const openAll = async (
  devices: readonly Device[],
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<void> => {
  const { parallel = 200, perSecond = Number.POSITIVE_INFINITY, timeoutMs = 60_000, onProgress } = options
  const queue = devices.entries()
  const start = performance.now()
  let connected = 0
  let stopped = false

  const openInTurn = async (): Promise<void> => {
    // All workers take from one iterator: each device has one of them.
    for (const [index, device] of queue) {
      const wait = start + (index * 1000) / perSecond - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      if (stopped) return
      await device.open()
      onProgress?.(++connected, devices.length)
    }
  }

  const giveUp = deferred<never>()
  const timeUp = (): void => {
    const failure = devices.find((device) => device.lastFailure !== undefined)?.lastFailure
    giveUp.reject(new ConnectTimeoutError(connected, devices.length, failure))
  }
  const timer = setTimeout(timeUp, timeoutMs)
  signal.addEventListener('abort', timeUp)
  try {
    await Promise.race([Promise.all(Array.from({ length: parallel }, openInTurn)), giveUp.promise])
  } finally {
    stopped = true
    clearTimeout(timer)
    signal.removeEventListener('abort', timeUp)
  }
}
