import type { Node, Values } from './tree.ts'

/** The completion for fish. */
export const fishScript = (nodes: readonly Node[]): string => `\
# Completes twincast in fish. Load it with: twincast completion fish | source
function __twincast_at
    set -l named
    for word in (commandline -opc)[2..]
        contains -- (string join -- ' ' $named $word) ${nodes
          .map(({ words }) => words.join(' '))
          .filter((path) => path !== '')
          .map(quoted)
          .join(' ')}
        or break
        set -a named $word
    end
    test "$named" = "$argv"
end

complete -c twincast -f
${nodes.flatMap(linesOf).join('\n')}
`

function linesOf({ words, commands, options, values }: Node): string[] {
  const line = (...parts: readonly string[]): string =>
    ['complete -c twincast -n', quoted(`__twincast_at ${words.join(' ')}`.trim()), ...parts].join(' ')
  return [
    ...commands.map(({ name, help }) => line('-a', name, '-d', quoted(help))),
    ...options.map(({ names, help, value }) =>
      line(
        ...names.map(nameOf),
        ...(value ? [value.path === 'file' ? '-r' : '-x', ...candidates(value)] : []),
        '-d',
        quoted(help),
      ),
    ),
    ...values
      .filter((value) => value.words.length > 0 || value.path !== undefined)
      .map((value) => line(...candidates(value))),
  ]
}

const nameOf = (name: string): string => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)

function candidates({ words, path }: Values): string[] {
  if (path === 'file') return ['-F']
  if (path === 'folder') return ['-a', quoted('(__fish_complete_directories)')]
  return words.length > 0 ? ['-a', quoted(words.join(' '))] : []
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`
