import { parseArgs } from 'node:util'

/** The command line is wrong. The message names the option and says what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** One option of a command. Its name is its key in `Options`. */
export type Option<T> = {
  /** The name of the value in the help; undefined for a flag, which has no value. */
  readonly placeholder: string | undefined
  readonly help: string
  /** The allowed values, in words. */
  readonly allowed: string
  /** The value when the option is not given. */
  readonly fallback: T
  /** Whether the value must never be printed, not even in an error. */
  readonly secret: boolean
  /** The value of a text; undefined when the text is not allowed. */
  read(text: string): T | undefined
}

/** The options of a command by name, without the dashes. */
export type Options = Readonly<Record<string, Option<unknown>>>

/** Returns the value of an option: the last one given, or the fallback. */
export type Given = <T>(option: Option<T>) => T

/** A command line that was read: a request for help, or the values of the options. */
export type Request = 'help' | Given

/**
 * Reads a command line. All values are checked here, so that reading one later cannot fail. Throws a UsageError for the
 * first mistake, unless help is requested.
 */
export function readArguments(args: readonly string[], options: Options): Request {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { type: typeOf(option) }])),
    // The rules are checked below, with messages that say what is allowed.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  if (tokens.some((token) => token.kind === 'option' && (token.name === 'help' || token.rawName === '-h')))
    return 'help'

  const texts = new Map<Option<unknown>, string>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw new UsageError(`${quote(token.value)} is not an option. Use options only.`)
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined) throw new UsageError(`Unknown option ${token.rawName}.`)
    texts.set(option, checkedText(token.rawName, option, token.value, token.inlineValue === true))
  }
  return (option) => {
    const text = texts.get(option)
    return (text === undefined ? undefined : option.read(text)) ?? option.fallback
  }
}

/** The text of the value after it was checked; empty for a flag. */
function checkedText(name: string, option: Option<unknown>, value: string | undefined, inline: boolean): string {
  if (option.placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`${name} takes no value.`)
    return ''
  }
  // In `--devices --keep` a value is missing. A value that begins with two dashes must be written as in `--prefix=--x`.
  if (value === undefined || value === '' || (!inline && value.startsWith('--'))) {
    throw new UsageError(`${name} requires a value: ${option.allowed}.`)
  }
  if (option.read(value) !== undefined) return value
  const shown = option.secret ? 'not valid (a secret, not shown)' : quote(value)
  throw new UsageError(`${name} is ${shown}; it must be ${option.allowed}.`)
}

const typeOf = (option: Option<unknown>): 'boolean' | 'string' =>
  option.placeholder === undefined ? 'boolean' : 'string'

const quote = (value: string): string => JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
