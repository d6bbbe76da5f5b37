import { constants } from 'node:os'
import { type Given, readArguments, UsageError } from './arguments.ts'
import { type Described, helpOf } from './help.ts'
import { Interrupted, listenForStop, type Stop } from './stop.ts'

/** A command as people type it. */
export type Command = Described & {
  /**
   * Does it. After `stop` has aborted it cleans up and ends: by throwing the signal's reason when it was cut short, by
   * returning when stopping is how it normally ends. What it throws else is said in one line.
   */
  run(given: Given, stop: Stop): Promise<void>
  /** Whether SIGHUP stops it, which it means where nothing else is said. What does not stop hears of it by itself. */
  readonly survivesHangup?: boolean
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
    else await command.run(request, listenForStop(command.survivesHangup ? ['SIGINT', 'SIGTERM'] : undefined))
    return 0
  } catch (error) {
    if (error instanceof Interrupted) return 128 + constants.signals[error.signal]
    process.stderr.write(`${sentence(error)}\n`)
    if (!(error instanceof UsageError)) return 1
    process.stderr.write(`See ${command.name} -- --help.\n`)
    return 2
  }
}

/** An error as one or more lines for people; its causes too, where they say something new. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const parts = [error.message || error.name]
  if (error instanceof AggregateError) parts.push(...error.errors.map(sentence))
  if (error.cause !== undefined) parts.push(sentence(error.cause))
  return [...new Set(parts.filter((part, index) => index === 0 || !parts[0]?.includes(part)))].join('\n  ')
}
