import { deferred } from './deferred.ts'
import type { Device } from './device.ts'
import { ConnectTimeoutError } from './errors.ts'

/** How fast a fleet connects. */
export type ConnectOptions = {
  /** The devices to connect, whatever their behaviour. Default: all but those that are offline. */
  readonly deviceIds?: readonly string[]
  /** Maximum number of devices that connect at the same time. Default: 200. */
  readonly parallel?: number
  /** Maximum number of devices that start per second. Default: no limit. */
  readonly perSecond?: number
  /** When to stop waiting, in milliseconds. Default: 60,000. Devices continue to try. */
  readonly timeoutMs?: number
  /** Called after each device that has connected. */
  readonly onProgress?: (connected: number, expected: number) => void
}

/**
 * Opens all devices, limited in parallel and per second. Rejects with the first failure that is final for a device, and
 * with ConnectTimeoutError at the timeout or when `signal` aborts.
 */
export const connectFleet = async (
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
