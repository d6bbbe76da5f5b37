import { hubCommand } from '../../hub-options.ts'
import { showOutcome } from '../../jobs/schedule-command.ts'
import { jobExitCodes } from '../../jobs/watch-job.ts'
import { format } from '../../output/format.ts'
import { withHub } from '../../with-hub.ts'

/** `twincast jobs watch` */
export const createJobsWatch = () =>
  hubCommand('watch')
    .description(
      `Shows the progress of a job until it has ended, and then prints its outcome. Ctrl-C leaves the job running. A lost
connection is opened again.`,
    )
    .argument('<jobId>', 'the job')
    .addOption(format())
    .addHelpText('after', `\nExit codes: ${jobExitCodes}.`)
    .action((jobId, options) =>
      withHub(options, ({ client }, signal) =>
        showOutcome(client, jobId, { format: options.format, signal, isKnown: false }),
      ),
    )
