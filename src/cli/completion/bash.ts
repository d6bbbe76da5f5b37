import type { Node, Values } from './tree.ts'

/** The completion for bash, from version 3.2 on, which macOS has. */
export const bashScript = (nodes: readonly Node[]): string => `\
# Completes twincast in bash. Load it with: source <(twincast completion bash)
_twincast_at() {
  case $1 in
${nodes.map(({ words, ...node }) => `    ${quoted(words.join(' '))}) ${settingsOf(node)} ;;`).join('\n')}
    *) return 1 ;;
  esac
}

_twincast_value() {
  case $1 in
${nodes.flatMap(valueCases).join('\n')}
    *) return 1 ;;
  esac
}

_twincast() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at='' each
  local commands='' options='' values='' paths=''
  # bash takes --option=value for three words.
  if [[ $word == = ]]; then word=''
  elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  _twincast_at ''
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    _twincast_at "\${at:+$at }$each" || break
    at="\${at:+$at }$each"
  done
  if _twincast_value "$at $before"; then :
  elif [[ $word == -* ]]; then values=$options paths=''
  else
    values="$commands $values"
    [[ $values == ' ' && -z $paths ]] && values=$options
  fi
  COMPREPLY=($(compgen -W "$values" -- "$word"))
  [[ -z $paths ]] && return
  compopt -o filenames 2>/dev/null
  while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen "$paths" -- "$word")
}

complete -F _twincast twincast
`

function settingsOf({ commands, options, values }: Omit<Node, 'words'>): string {
  return [
    `commands=${quoted(commands.map(({ name }) => name).join(' '))}`,
    `options=${quoted(options.flatMap(({ names }) => names).join(' '))}`,
    settingsOfValues({ words: values.flatMap(({ words }) => words), ...pathOf(values) }),
  ].join(' ')
}

const pathOf = (values: readonly Values[]): Pick<Values, 'path'> => values.find(({ path }) => path !== undefined) ?? {}

const settingsOfValues = ({ words, path }: Values): string =>
  `values=${quoted(words.join(' '))} paths=${path === undefined ? "''" : path === 'file' ? '-f' : '-d'}`

const valueCases = ({ words, options }: Node): string[] =>
  options.flatMap(({ names, value }) =>
    value === undefined
      ? []
      : [
          `    ${names.map((name) => quoted([words.join(' '), name].join(' '))).join('|')}) ${settingsOfValues(value)} ;;`,
        ],
  )

/** Names of commands, options and values have no quotes. */
const quoted = (text: string): string => `'${text}'`
