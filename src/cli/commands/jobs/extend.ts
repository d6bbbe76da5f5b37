import { hubCommand } from '../../hub-options.ts'
import { wholeNumber } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { withHub } from '../../with-hub.ts'
import { updateJob } from './update.ts'

/** `twincast jobs extend` */
export const createJobsExtend = () =>
  hubCommand('extend')
    .description('Gives a job that has not ended more time.')
    .argument('<jobId>', 'the job')
    .addOption(
      wholeNumber('--by <S>', 'seconds to add to its maximum execution time', {
        min: 1,
        max: 2_592_000,
      }).makeOptionMandatory(),
    )
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action((jobId, { by, reason, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { jobId, extendBySeconds: by, ...(reason !== undefined && { reason }) }
        printRow(await updateJob(client, input), options.format)
      }),
    )
