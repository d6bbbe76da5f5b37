import type { HubClient } from '../hub-client.ts'
import { type HubOptions, hubCommand } from '../hub-options.ts'
import { wholeNumber } from '../options.ts'
import { type Format, format } from '../output/format.ts'
import { printRow } from '../output/print.ts'
import { withHub } from '../with-hub.ts'

/** The job to change, and why. */
type Change = { readonly jobId: string; readonly reason?: string }

type Row = Readonly<Record<string, unknown>>

/** A subcommand of `twincast jobs` that changes a job, with a reason, and prints the row that `change` returns. */
export const changeCommand = (
  name: string,
  description: string,
  change: (client: HubClient, input: Change) => Promise<Row>,
) =>
  commandWithReason(name, description).action((jobId, { reason, ...options }) =>
    printChange(options, (client) => change(client, { jobId, ...(reason !== undefined && { reason }) })),
  )

/** Likewise, but for a change that decides about the start of a job, or about the opening of a wave. */
export const decisionCommand = (
  name: string,
  description: string,
  decide: (client: HubClient, input: Change & { readonly wave?: number }) => Promise<Row>,
) =>
  commandWithReason(name, description)
    .addOption(
      wholeNumber('--wave <N>', 'the wave to open, which fails when another one waits (default: whatever waits)', {
        min: 1,
        max: 1_000,
      }),
    )
    .action((jobId, { reason, wave, ...options }) =>
      printChange(options, (client) =>
        decide(client, { jobId, ...(wave !== undefined && { wave }), ...(reason !== undefined && { reason }) }),
      ),
    )

const commandWithReason = (name: string, description: string) =>
  hubCommand(name)
    .description(description)
    .argument('<jobId>', 'the job')
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())

const printChange = (options: HubOptions & { readonly format?: Format }, change: (client: HubClient) => Promise<Row>) =>
  withHub(options, async ({ client }) => printRow(await change(client), options.format))
