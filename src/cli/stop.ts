import type { constants } from 'node:os'

/** `signal` aborts when the command should stop (Ctrl-C), `hurry` when the user asks a second time. */
export type Stop = { readonly signal: AbortSignal; readonly hurry: AbortSignal }

/** A signal that may stop a command. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The command was stopped before it was done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: keyof typeof constants.signals
  constructor(signal: keyof typeof constants.signals) {
    super('Stopped.')
    this.signal = signal
  }
}

/**
 * Milliseconds within which two signals count as one request. A terminal sends Ctrl-C to npm and to the command, and
 * npm passes it on to the command.
 */
const sameAsking = 500

/** Creates a stop, with the function that triggers it. `now` returns milliseconds of a monotonic clock. */
export function createStop(now: () => number): Stop & { interrupt(signal: keyof typeof constants.signals): void } {
  const stopping = new AbortController()
  const hurrying = new AbortController()
  let asked = 0
  return {
    signal: stopping.signal,
    hurry: hurrying.signal,
    interrupt(signal) {
      if (!stopping.signal.aborted) {
        asked = now()
        stopping.abort(new Interrupted(signal))
      } else if (now() - asked > sameAsking) hurrying.abort()
    },
  }
}

/** A stop that the signals of the process trigger. */
export function listenForStop(signals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']): Stop {
  const { interrupt, ...stop } = createStop(() => performance.now())
  for (const signal of signals) process.on(signal, () => interrupt(signal))
  // The reader of the output (`| head`) or the terminal is closed. The command must still clean up.
  process.stdout.on('error', () => interrupt('SIGPIPE'))
  process.stderr.on('error', () => {})
  return stop
}
