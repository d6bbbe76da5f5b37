import type { Deps } from '../deps.ts'

/** How fast devices are disconnected while this instance stops, and for how long at most. */
export type DrainPace = { readonly devicesPerSecond: number; readonly seconds: number }

/** Milliseconds between two groups of devices, unless the pace is slower than a device in that time. */
const shortestPause = 100

/**
 * Ends the open connections a few at a time, so that other instances admit their devices one after the other. A device
 * with a call under way may answer first. Resolves when none is left, when the time is up, or when the signal aborts.
 */
export async function drainConnections<Connection extends { readonly deviceId: string }>(
  { clock }: Pick<Deps, 'clock'>,
  connections: { all(): Iterable<Connection>; end(connection: Connection): void; readonly size: number },
  {
    devicesPerSecond,
    seconds,
    called,
    signal,
  }: DrainPace & {
    /** The devices with calls under way. */
    readonly called: () => ReadonlySet<string>
    readonly signal: AbortSignal
  },
): Promise<void> {
  const end = clock.elapsed() + seconds * 1000
  const pause = Math.max(shortestPause, 1000 / devicesPerSecond)
  const each = Math.round((devicesPerSecond * pause) / 1000)
  while (connections.size > 0 && clock.elapsed() < end && !signal.aborted) {
    const busy = called()
    let left = each
    for (const connection of connections.all()) {
      if (busy.has(connection.deviceId)) continue
      connections.end(connection)
      if (--left === 0) break
    }
    if (connections.size > 0) await clock.sleep(pause, signal)
  }
}
