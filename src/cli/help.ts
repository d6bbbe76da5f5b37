import type { Option, Options } from './arguments.ts'

/** What a command says about itself. */
export type Described = {
  /** As it is typed, such as `npm run demo`. */
  readonly name: string
  /** What it does, in lines. */
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
  const told = placeholder !== undefined && fallback !== undefined && !option.secret
  return [usage, told ? `${help} (default ${String(fallback)})` : help]
}
