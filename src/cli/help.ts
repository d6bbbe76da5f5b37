import type { Option, Options } from './arguments.ts'

/** The parts of a command that its help describes. */
export type Described = {
  /** The command as users type it, such as `npm run demo`. */
  readonly name: string
  /** What the command does, in one or more lines. */
  readonly summary: string
  readonly options: Options
}

/** The text of `--help`. */
export function helpOf({ name, summary, options }: Described): string {
  const rows = [...Object.entries(options).map(rowOf), ['--help', 'shows this help'] as const]
  const width = Math.max(...rows.map(([usage]) => usage.length))
  const lines = rows.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`)
  return `${summary}\n\nUsage: ${name} -- [options]\n\n${lines.join('\n')}\n`
}

const rowOf = ([name, option]: readonly [string, Option<unknown>]): readonly [string, string] => {
  const { placeholder, help, fallback } = option
  const usage = placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`
  const showsDefault = placeholder !== undefined && fallback !== undefined && !option.secret
  return [usage, showsDefault ? `${help} (default ${String(fallback)})` : help]
}
