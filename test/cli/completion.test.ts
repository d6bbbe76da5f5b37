import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { exitCodeOf, withSubcommands } from '../../src/cli/run-command.ts'
import { findProgram } from '../support/programs.ts'

// The shells themselves complete the lines. They run in a folder with the files job.yaml and data.csv and the folder data.

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-completion-'))
  await mkdir(join(folder, 'files/data'), { recursive: true })
  await writeFile(join(folder, 'files/job.yaml'), '')
  await writeFile(join(folder, 'files/data.csv'), '')
  await writeFile(join(folder, '.zshrc'), startOfZsh)
  for (const [name, program] of Object.entries(programs)) await writeFile(join(folder, `ask.${name}`), program)
  for (const shell of shells) {
    let script = ''
    await exitCodeOf(createProgram(), ['completion', shell], { out: (part) => (script += part), error: () => {} })
    await writeFile(join(folder, `script.${shell}`), script)
  }
})
afterAll(() => rm(folder, { recursive: true }))

/** An interactive zsh. What it adds to its list of candidates is also written to a file. With -O, -A and -D it adds nothing. */
const startOfZsh = `
PS1=
autoload -Uz compinit
compinit -D -u
source $SCRIPT
compadd() {
  if [[ \${@[1,(i)(-|--)]} != *-[OAD]\\ * ]]; then
    local -a offers
    builtin compadd -O offers "$@"
    print -rl -- $offers >> $OFFERS
  fi
  builtin compadd "$@"
}
offer() { zle complete-word; BUFFER=; print -r -- "offers"-end }
zle -N offer
bindkey '^I' offer
`

/** Programs that read lines, and print each one after "== " and then what their shell offers for it. */
const programs: Readonly<Record<Shell, string>> = {
  bash: `
source "$SCRIPT"
while IFS= read -r line; do
  echo "== $line"
  IFS=' ' read -ra COMP_WORDS <<< "\${line//=/ = }"
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  "$(complete -p twincast | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
  printf '%s\\n' "\${COMPREPLY[@]}"
done
`,
  zsh: `
zmodload zsh/zpty
zpty shell zsh -i
while IFS= read -r line; do
  print -r -- "== $line" >> $OFFERS
  zpty -w -n shell "$line"$'\\t'
  zpty -r shell out '*offers-end*' || exit 1
done
zpty -d shell
cat $OFFERS
`,
  fish: `
source $SCRIPT
while read line
  echo "== $line"
  complete -C "$line"
end
`,
}

/** What a shell offers at the end of each line after `twincast `, in order, each once. */
async function offersOf(shell: Shell, lines: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> {
  const options = { bash: ['--noprofile', '--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell]
  const child = spawn(shell, [...options, join(folder, `ask.${shell}`)], {
    cwd: join(folder, 'files'),
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      ZDOTDIR: folder,
      TERM: 'dumb',
      SCRIPT: join(folder, `script.${shell}`),
      OFFERS: await mkdtemp(join(folder, 'offers-')).then((each) => join(each, 'offers')),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(lines.map((line) => `twincast ${line}\n`).join(''))
  const answers = (await text(child.stdout)).split(/^== /m).slice(1)
  return Object.fromEntries(
    answers.map((answer) => {
      const [line = '', ...offers] = answer.split('\n')
      // fish has a description after a tab, repeats the option before =, and ends folders with a slash.
      const names = offers
        .map((offer) => offer.replace(/\t.*/, '').replace(/\/$/, '').replace(/^.*=/, ''))
        .filter((name) => name !== '')
      return [line.replace('twincast ', ''), [...new Set(names)].sort()]
    }),
  )
}

describe.each(shells)('%s', (shell) => {
  test.skipIf(findProgram(shell) === undefined)('offers commands, options, values and files', async () => {
    const expected = {
      jo: ['jobs'],
      'jobs schedule ': ['help', 'method', 'template', 'twin'],
      'help ke': ['keys'],
      'jobs results --re': ['--result'],
      'jobs results job-1 --where x --re': ['--result'],
      'jobs list --status ': [
        'CANCELLED',
        'COMPLETED',
        'FAILED',
        'PAUSED',
        'QUEUED',
        'RUNNING',
        'SCHEDULED',
        'WAITING_FOR_APPROVAL',
      ],
      'jobs list --outcome ': ['CANCELLED', 'FAILED', 'NO_DEVICES', 'PARTIALLY_FAILED', 'SUCCEEDED'],
      'jobs list --format=j': ['json', 'jsonl'],
      'completion ': ['bash', 'fish', 'zsh'],
      'apply -f jo': ['job.yaml'],
      'devices import d': ['data', 'data.csv'],
      'doctor --data-dir d': ['data'],
      'jobs results --where ': [],
    }
    expect(await offersOf(shell, Object.keys(expected))).toEqual(expected)
  })

  test.skipIf(findProgram(shell) === undefined)('offers all subcommands and options of each command', async () => {
    const expected: Record<string, readonly string[]> = {}
    for (const command of withSubcommands(createProgram())) {
      const path = pathOf(command)
      const options = [...command.options.map(({ long }) => long ?? ''), '--help']
      expected[`${path}--`] = options.sort()
      if (command.commands.length > 0) expected[path] = [...command.commands.map((each) => each.name()), 'help'].sort()
    }
    expect(await offersOf(shell, Object.keys(expected))).toEqual(expected)
  })
})

const pathOf = (command: CommandUnknownOpts): string =>
  command.parent ? `${pathOf(command.parent)}${command.name()} ` : ''

test('another shell is refused with the shells that there are', async () => {
  let error = ''
  const print = { out: () => {}, error: (part: string) => (error += part) }
  expect(await exitCodeOf(createProgram(), ['completion', 'tcsh'], print)).toBe(2)
  expect(error).toContain('Allowed choices are bash, zsh, fish.')
})
