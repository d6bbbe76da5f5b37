import { ExitError } from '../exit-error.ts'
import { hubCommand } from '../hub-options.ts'
import { inFile, readJobFile } from '../jobs/job-file.ts'
import { showOutcome } from '../jobs/schedule-command.ts'
import { idTaken, scheduleJob } from '../jobs/schedule-job.ts'
import { jobExitCodes } from '../jobs/watch-job.ts'
import { format } from '../output/format.ts'
import { printRow } from '../output/print.ts'
import { withHub } from '../with-hub.ts'

/** `twincast apply` */
export const createApply = () =>
  hubCommand('apply')
    .summary('schedules the jobs in a file, once')
    .description(
      `Schedules the jobs in a file of YAML or JSON, one for each YAML document, with the members of the mutations
scheduleDeviceMethod and scheduleTwinUpdate. A job that exists with the same definition is not an error, so a file can be applied
again.`,
    )
    .requiredOption('-f, --file <FILE>', 'the file; - is standard input')
    .option('--watch', 'shows the progress until the jobs have ended, one after the other; Ctrl-C leaves them running')
    .addOption(format())
    .addHelpText('after', `\nExit codes: ${idTaken} when another job has the ID; with --watch, ${jobExitCodes}.`)
    .action(async ({ file, watch, ...options }) => {
      // Read before anything is scheduled.
      const jobs = await readJobFile(file)
      await withHub(options, async ({ client }, signal) => {
        for (const [index, job] of jobs.entries()) {
          const schedule = () => scheduleJob(client, job, true)
          const { jobId, isNew } = await inFile(file, { index, jobs: jobs.length }, schedule)
          process.stderr.write(
            isNew ? `The job ${jobId} is scheduled.\n` : `The job ${jobId} exists already, with the same definition.\n`,
          )
        }
        const failures: ExitError[] = []
        for (const { jobId } of jobs) {
          if (!watch) printRow({ jobId }, options.format)
          else {
            await showOutcome(client, jobId, { format: options.format, signal, isKnown: true }).catch(
              (error: unknown) => {
                if (!(error instanceof ExitError)) throw error
                failures.push(error)
              },
            )
          }
        }
        if (failures.length === 0) return
        const isNoneDone = failures.length === jobs.length && failures.every(({ exitCode }) => exitCode === 4)
        throw new ExitError(isNoneDone ? 4 : 3, failures.map(({ message }) => message).join('\n'))
      })
    })
