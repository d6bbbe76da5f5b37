import type { Node, OptionOf, ValueOf } from './tree.ts'

/** The completion for zsh: a function for each command. */
export const zshScript = (nodes: readonly Node[]): string => `\
#compdef twincast
# Completes twincast in zsh. Load it with: source <(twincast completion zsh)
${nodes.map(functionOf).join('\n')}
compdef _twincast twincast
`

function functionOf({ words, commands, options, values }: Node): string {
  const specs = options.map(optionSpec)
  if (commands.length === 0)
    return functionWith(words, `  _arguments ${[...specs, ...values.map(argumentSpec)].join(' \\\n    ')}`)
  return functionWith(
    words,
    `  local context curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(' \\\n    ')}
  case $state in
    command)
      local -a commands=(
${commands.map(({ name, help }) => `        ${quoted(`${name}:${help}`)}`).join('\n')}
      )
      _describe command commands
      ;;
    rest)
      case $words[1] in
${commands.map(({ name }) => `        ${name}) ${nameOf([...words, name])} ;;`).join('\n')}
      esac
      ;;
  esac`,
  )
}

const nameOf = (words: readonly string[]): string => ['_twincast', ...words].join('_')

const functionWith = (words: readonly string[], body: string): string => `${nameOf(words)}() {\n${body}\n}\n`

/** Either name excludes the other: `(-f --file)-f`. */
function optionSpec({ names, help, value }: OptionOf): string {
  const sign = value === undefined ? '' : '='
  return names
    .map((name) => {
      const shortOrLong = sign === '' || name.startsWith('--') ? sign : '+'
      const rest = `${name}${shortOrLong}[${escaped(help)}]${value === undefined ? '' : valueSpec(value)}`
      return quoted(`${names.length > 1 ? `(${names.join(' ')})` : ''}${rest}`)
    })
    .join(' ')
}

const argumentSpec = (value: ValueOf, index: number): string => quoted(`${index + 1}${valueSpec(value)}`)

const valueSpec = ({ name, words, path }: ValueOf): string =>
  `:${escaped(name)}:${path === 'file' ? '_files' : path === 'folder' ? '_files -/' : words.length > 0 ? `(${words.join(' ')})` : ' '}`

/** In the parts of a specification, brackets and colons have a meaning. */
const escaped = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
