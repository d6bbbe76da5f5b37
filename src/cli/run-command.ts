import { constants } from 'node:os'
import { type Given, readArguments, UsageError } from './arguments.ts'
import { type Described, helpOf } from './help.ts'
import { Interrupted, listenForStop, type Stop } from './stop.ts'

/** A command of the command line. */
export type Command = Described & {
  /**
   * Runs the command. After `stop` has aborted, it cleans up. It then throws the signal's reason if its work was cut
   * short, and returns if it always runs until it is stopped. The message of any other error is printed.
   */
  run(given: Given, stop: Stop): Promise<void>
  /**
   * Whether SIGHUP does not stop the command. By default it does. A command that survives SIGHUP listens for it by
   * itself.
   */
  readonly survivesHangup?: boolean
}

/**
 * Runs a command and ends the process. The exit code is 0, 1 when the command failed, 2 when the command line is wrong,
 * or, as in shells, 128 plus the signal's number when the command was interrupted.
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

/** An error as one or more lines for users, including its causes where they add something. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const parts = [error.message || error.name]
  if (error instanceof AggregateError) parts.push(...error.errors.map(sentence))
  if (error.cause !== undefined) parts.push(sentence(error.cause))
  return [...new Set(parts.filter((part, index) => index === 0 || !parts[0]?.includes(part)))].join('\n  ')
}
