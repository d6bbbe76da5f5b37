import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { version } from '../version.ts'
import { createApply } from './commands/apply.ts'
import { createAudit } from './commands/audit.ts'
import { createBackup } from './commands/backup.ts'
import { createCompletion } from './commands/completion.ts'
import { createDemo } from './commands/demo.ts'
import { createDevices } from './commands/devices.ts'
import { createDoctor } from './commands/doctor.ts'
import { createGroups } from './commands/groups.ts'
import { createJobs } from './commands/jobs.ts'
import { createKeys } from './commands/keys.ts'
import { createQuery } from './commands/query.ts'
import { createRestore } from './commands/restore.ts'
import { createSchedules } from './commands/schedules.ts'
import { createSimulate } from './commands/simulate.ts'
import { createStart } from './commands/start.ts'
import { createTemplates } from './commands/templates.ts'
import { createToken } from './commands/token.ts'
import { createTwins } from './commands/twins.ts'

/**
 * The command `twincast` with all its subcommands. A subcommand loads what it needs when it runs, so that help and mistakes
 * are answered at once.
 */
export function createProgram(): CommandUnknownOpts {
  return new Command('twincast')
    .description('Jobs for fleets of devices: runs a hub, and works with one.')
    .version(version, '--version', 'prints the version')
    .commandsGroup('Work with a hub:')
    .addCommand(createDevices())
    .addCommand(createTwins())
    .addCommand(createJobs())
    .addCommand(createGroups())
    .addCommand(createTemplates())
    .addCommand(createSchedules())
    .addCommand(createApply())
    .addCommand(createQuery())
    .addCommand(createAudit())
    .addCommand(createSimulate())
    .commandsGroup('Run a hub:')
    .addCommand(createStart())
    .addCommand(createDemo())
    .addCommand(createToken())
    .addCommand(createKeys())
    .addCommand(createBackup())
    .addCommand(createRestore())
    .addCommand(createDoctor())
    .commandsGroup('This command line:')
    .addCommand(createCompletion())
}
