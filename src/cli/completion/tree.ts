import type { CommandUnknownOpts } from '@commander-js/extra-typings'

/** What can be typed for a value: one of some words, the name of a file or folder, or anything. */
export type Values = { readonly words: readonly string[]; readonly path?: 'file' | 'folder' }

/** An option with its names, such as `-f` and `--file`, and its value if it takes one. */
export type OptionOf = { readonly names: readonly string[]; readonly help: string; readonly value?: ValueOf }

/** An argument, or the value of an option. */
export type ValueOf = Values & { readonly name: string }

/** A command, with what can follow it. */
export type Node = {
  /** The words after `twincast` that name it: `['jobs', 'list']`. */
  readonly words: readonly string[]
  readonly commands: readonly { readonly name: string; readonly help: string }[]
  readonly options: readonly OptionOf[]
  readonly values: readonly ValueOf[]
}

/** A program as its completion needs it: each command before those below it. */
export function nodesOf(program: CommandUnknownOpts, words: readonly string[] = []): readonly Node[] {
  const help = program.createHelp()
  const commands = help.visibleCommands(program)
  const node: Node = {
    words,
    commands: commands.map((command) => ({ name: command.name(), help: help.subcommandDescription(command) })),
    options: help.visibleOptions(program).map(({ short, long, flags, description, required, argChoices }) => ({
      names: [short, long].filter((name) => name !== undefined),
      help: description.replace(/\s+/g, ' '),
      ...(required && { value: valueNamed(/<(.+)>/.exec(flags)?.[1] ?? '', argChoices) }),
    })),
    values: program.registeredArguments.map((argument) => valueNamed(argument.name(), argument.argChoices)),
  }
  return [
    node,
    ...commands.flatMap((command) => {
      const below = [...words, command.name()]
      // The command that shows help is not among the others, and what it takes is their names.
      if (program.commands.includes(command)) return nodesOf(command, below)
      const names = program.commands.map((each) => each.name())
      return [{ words: below, commands: [], options: [], values: [{ name: 'command', words: names }] }]
    }),
  ]
}

function valueNamed(name: string, choices: readonly string[] | undefined): ValueOf {
  const path = /^file$/i.test(name) ? 'file' : /^folder$/i.test(name) ? 'folder' : undefined
  return { name, words: choices ?? [], ...(path && { path }) }
}
