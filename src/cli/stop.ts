import type { constants } from 'node:os'

/** `signal` aborts when the command is to stop (Ctrl-C), `hurry` when somebody asks a second time. */
export type Stop = { readonly signal: AbortSignal; readonly hurry: AbortSignal }

/** A signal that may stop a command. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** Somebody stopped the command before it was done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: keyof typeof constants.signals
  constructor(signal: keyof typeof constants.signals) {
    super('Stopped.')
    this.signal = signal
  }
}

/** Milliseconds. A terminal sends Ctrl-C to npm and to the command, and npm passes it on: both are the same asking. */
const sameAsking = 500

/** Makes a stop, and what interrupts it. `now` is in milliseconds, of a clock that nobody sets. */
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

/** A stop that the signals of the process interrupt. */
export function listenForStop(signals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']): Stop {
  const { interrupt, ...stop } = createStop(() => performance.now())
  for (const signal of signals) process.on(signal, () => interrupt(signal))
  // The reader has gone (`| head`), or the terminal: nobody to talk to, but things to clean up.
  process.stdout.on('error', () => interrupt('SIGPIPE'))
  process.stderr.on('error', () => {})
  return stop
}
