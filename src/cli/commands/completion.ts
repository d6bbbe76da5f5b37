import { Argument, Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { nodesOf } from '../completion/tree.ts'
import { zshScript } from '../completion/zsh.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** `twincast completion` */
export const createCompletion = () =>
  new Command('completion')
    .summary('prints a script that completes commands on the Tab key')
    .description(
      `Prints a script for a shell, with which the Tab key completes the commands, options and files of twincast. In the file that
the shell reads when it starts, write: source <(twincast completion bash), source <(twincast completion zsh) after compinit, or
twincast completion fish | source.`,
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell, _options, command) => {
      command.configureOutput().writeOut?.(scripts[shell](nodesOf(rootOf(command))))
    })

const rootOf = (command: CommandUnknownOpts): CommandUnknownOpts => (command.parent ? rootOf(command.parent) : command)
