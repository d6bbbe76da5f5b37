import { constants } from 'node:os'
import { CommanderError, type CommandUnknownOpts, Help } from '@commander-js/extra-typings'
import { ExitError } from './exit-error.ts'
import { Interrupted } from './stop.ts'
import { UsageError } from './usage-error.ts'

/** The exit code for a command line that is wrong. */
const wrongUsage = 2

/** Where a command line prints its help and its errors. */
type Output = { readonly out: (text: string) => void; readonly error: (text: string) => void }

/**
 * Runs the command that the arguments name, and ends the process with its exit code. The message of an error is printed on
 * standard error.
 */
export async function runCommand(command: CommandUnknownOpts): Promise<never> {
  // A command that has to clean up when the reader of its output has gone listens too (stop.ts).
  process.stdout.on('error', () => {})
  const output = {
    out: (text: string) => void process.stdout.write(text),
    error: (text: string) => void process.stderr.write(text),
  }
  process.exit(await exitCodeOf(command, process.argv.slice(2), output))
}

/**
 * Runs a command. Resolves with 0, with the code of an ExitError, with 1 when the command failed, with 2 when the command
 * line is wrong, or, as in shells, with 128 plus the signal's number when the command was interrupted.
 */
export async function exitCodeOf(
  root: CommandUnknownOpts,
  args: readonly string[],
  { out, error: print }: Output,
): Promise<number> {
  let named = root
  for (const command of withSubcommands(root)) {
    ignoreEmptyVariables(command)
    if (command.commands.length > 0) command.helpCommand('help [command]', 'shows the help of a command')
    command
      // The parser wraps a paragraph at the width of the terminal if it is one line.
      .description(command.description().replace(/(?<!\n)\n(?!\n)/g, ' '))
      .helpOption('-h, --help', 'shows this help')
      .configureHelp({
        subcommandDescription: phrase,
        // The options of the command itself first, then those that many commands have.
        groupItems(unsorted, visible, groupOf) {
          const groups = new Help().groupItems(unsorted, visible, groupOf)
          const own = groups.get(ownOptions)
          return own === undefined ? groups : new Map([[ownOptions, own], ...groups])
        },
      })
      .exitOverride()
      .configureOutput({ writeOut: out, writeErr: print, outputError: () => {} })
      .hook('preSubcommand', (_command, subcommand) => {
        named = subcommand
      })
  }
  try {
    await root.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof Interrupted) return 128 + constants.signals[error.signal]
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0 // after --help or --version
      // Without the name of a command, the help has been printed instead.
      if (error.code !== 'commander.help') print(`${usageSentence(error.message)}\nSee ${fullName(named)} --help.\n`)
      return wrongUsage
    }
    print(`${sentence(error)}\n`)
    if (error instanceof ExitError) return error.exitCode
    if (!(error instanceof UsageError)) return 1
    print(`See ${fullName(named)} --help.\n`)
    return wrongUsage
  }
}

/** The title that the parser gives to options without another. */
const ownOptions = 'Options:'

/** A command in a list: its summary, or the first sentence of its description without its full stop. */
function phrase(command: CommandUnknownOpts): string {
  const text = command.summary() || command.description().replace(/\.(?:\s.*)?$/s, '')
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** The command and all commands below it. */
export function* withSubcommands(command: CommandUnknownOpts): Generator<CommandUnknownOpts> {
  yield command
  for (const subcommand of command.commands) yield* withSubcommands(subcommand)
}

/** An empty variable counts as one that is not set, as in the configuration of the hub. */
function ignoreEmptyVariables({ options }: CommandUnknownOpts): void {
  for (const { envVar } of options) if (envVar !== undefined && process.env[envVar] === '') delete process.env[envVar]
}

/** The command as users type it: `twincast jobs list`. */
const fullName = (command: CommandUnknownOpts): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name()

/** A message of the parser, such as `error: unknown option '--kep'⏎(Did you mean --keep?)`, in one line. */
function usageSentence(message: string): string {
  const [text = '', hint] = message.replace(/^error: /, '').split('\n')
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  const ended = /[.?]$/.test(begun) ? begun : `${begun}.`
  return hint === undefined ? ended : `${ended} ${hint.replace(/^\(|\)$/g, '')}`
}

/** An error as one or more lines for users, including its causes where they add something. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const parts = [error.message || error.name]
  if (error instanceof AggregateError) parts.push(...error.errors.map(sentence))
  if (error.cause !== undefined) parts.push(sentence(error.cause))
  return [...new Set(parts.filter((part, index) => index === 0 || !parts[0]?.includes(part)))].join('\n  ')
}
