import { parseArgs } from 'node:util'

/** What was typed cannot be meant; the sentence names the option and what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** One option of a command. Its name is its key in `Options`. */
export type Option<T> = {
  /** What stands for the value in the help; undefined for a flag, which takes none. */
  readonly placeholder: string | undefined
  readonly help: string
  /** What a value may be, in words. */
  readonly allowed: string
  /** What holds when the option is left out. */
  readonly fallback: T
  /** Whether a value must not be shown, also when it is wrong. */
  readonly secret: boolean
  /** The value of a text, undefined when it is not allowed. */
  read(text: string): T | undefined
}

/** The options of a command by name, without the dashes. */
export type Options = Readonly<Record<string, Option<unknown>>>

/** The value of an option: the one typed last, else the fallback. */
export type Given = <T>(option: Option<T>) => T

/** What a command line asks for. */
export type Request = 'help' | Given

/**
 * Reads a command line. Every value is checked here, so that asking for it later cannot fail. Throws a UsageError for the
 * first mistake, unless help is asked for.
 */
export function readArguments(args: readonly string[], options: Options): Request {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { type: typeOf(option) }])),
    // The rules are checked below, in sentences that say what is allowed.
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

/** The text of a value that is allowed; empty for a flag. */
function checkedText(name: string, option: Option<unknown>, value: string | undefined, inline: boolean): string {
  if (option.placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`${name} takes no value.`)
    return ''
  }
  // `--devices --keep` is a forgotten value, not a value that begins with two dashes; `--prefix=--x` is one.
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
