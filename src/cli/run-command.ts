import { constants } from 'node:os'
import { type Given, readArguments, UsageError } from './arguments.ts'
import { type Described, helpOf } from './help.ts'

/** A command as people type it. */
export type Command = Described & {
  /**
   * Does it. After `stop` has aborted it cleans up and ends: by throwing the signal's reason when it was cut short, by
   * returning when stopping is how it normally ends. What it throws else is said in one line.
   */
  run(given: Given, stop: Stop): Promise<void>
}

/** `signal` aborts when the command is to stop (Ctrl-C), `hurry` when somebody asks a second time. */
export type Stop = { readonly signal: AbortSignal; readonly hurry: AbortSignal }

/** Somebody stopped the command before it was done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: keyof typeof constants.signals
  constructor(signal: keyof typeof constants.signals) {
    super('Stopped.')
    this.signal = signal
  }
}

/**
 * Runs a command to its end and ends the process: with 0, with 1 when it failed, with 2 when it cannot be meant, and with
 * 128 and the signal's number when it was interrupted, as shells do.
 */
export async function runCommand(command: Command, args: readonly string[] = process.argv.slice(2)): Promise<never> {
  process.exit(await runToEnd(command, args))
}

async function runToEnd(command: Command, args: readonly string[]): Promise<number> {
  try {
    const request = readArguments(args, command.options)
    if (request === 'help') process.stdout.write(helpOf(command))
    else await command.run(request, listenForStop())
    return 0
  } catch (error) {
    if (error instanceof Interrupted) return 128 + constants.signals[error.signal]
    process.stderr.write(`${sentence(error)}\n`)
    if (!(error instanceof UsageError)) return 1
    process.stderr.write(`See ${command.name} -- --help.\n`)
    return 2
  }
}

function listenForStop(): Stop {
  const stopping = new AbortController()
  const hurrying = new AbortController()
  const interrupt = (signal: keyof typeof constants.signals): void => {
    if (stopping.signal.aborted) hurrying.abort()
    else stopping.abort(new Interrupted(signal))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal))
  // The reader has gone (`| head`), or the terminal: nobody to talk to, but things to clean up.
  process.stdout.on('error', () => interrupt('SIGPIPE'))
  process.stderr.on('error', () => {})
  return { signal: stopping.signal, hurry: hurrying.signal }
}

/** An error as one or more lines for people; its causes too, where they say something new. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const parts = [error.message || error.name]
  if (error instanceof AggregateError) parts.push(...error.errors.map(sentence))
  if (error.cause !== undefined) parts.push(sentence(error.cause))
  return [...new Set(parts.filter((part, index) => index === 0 || !parts[0]?.includes(part)))].join('\n  ')
}
