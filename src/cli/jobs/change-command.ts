import type { HubClient } from '../hub-client.ts'
import { hubCommand } from '../hub-options.ts'
import { format } from '../output/format.ts'
import { printRow } from '../output/print.ts'
import { withHub } from '../with-hub.ts'

/** The job to change, and why. */
type Change = { readonly jobId: string; readonly reason?: string }

/** A subcommand of `twincast jobs` that changes a job, with a reason, and prints the row that `change` returns. */
export const changeCommand = (
  name: string,
  description: string,
  change: (client: HubClient, input: Change) => Promise<Readonly<Record<string, unknown>>>,
) =>
  hubCommand(name)
    .description(description)
    .argument('<jobId>', 'the job')
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action((jobId, { reason, ...options }) =>
      withHub(options, async ({ client }) => {
        const row = await change(client, { jobId, ...(reason !== undefined && { reason }) })
        printRow(row, options.format)
      }),
    )
