import type {
  AbortRuleInput,
  DisruptionBudgetInput,
  JobOverlapPolicy,
  JobTargets,
  RampInput,
  WaveInput,
  WindowInput,
} from '../../generated/commands/graphql.ts'
import type { HubClient } from '../hub-client.ts'
import { type HubOptions, hubCommand } from '../hub-options.ts'
import { labels, time, where, wholeNumber } from '../options.ts'
import { type Format, format } from '../output/format.ts'
import { printRow } from '../output/print.ts'
import { UsageError } from '../usage-error.ts'
import { withHub } from '../with-hub.ts'
import { abortRules } from './abort-option.ts'
import { budget } from './budget-option.ts'
import type { JobDefinition } from './definition.ts'
import { onOverlap } from './overlap-option.ts'
import { ramp } from './ramp-option.ts'
import { type RetryOptions, retryPolicyOf } from './retry-options.ts'
import { idTaken, scheduleJob } from './schedule-job.ts'
import { targets } from './targets-option.ts'
import { checkOutcome, jobExitCodes, outcomeRow, type Watching, watchJob } from './watch-job.ts'
import { waves } from './wave-option.ts'
import { timeWindow } from './window-option.ts'

/** Seconds in 30 days. */
const longest = 2_592_000

type Common = HubOptions &
  RetryOptions & {
    readonly where: string
    readonly id?: string
    readonly ifAbsent?: true
    readonly at?: string
    readonly maxTime: number
    readonly maxDevices?: number
    readonly name?: string
    readonly description?: string
    readonly label?: readonly { readonly name: string; readonly value: string }[]
    readonly targets?: JobTargets
    readonly onOverlap?: JobOverlapPolicy
    readonly abort?: readonly AbortRuleInput[]
    readonly maxPerMinute?: number
    readonly ramp?: RampInput
    readonly maxConcurrent?: number
    readonly approval?: true
    readonly wave?: readonly WaveInput[]
    readonly window?: WindowInput
    readonly budget?: DisruptionBudgetInput
    readonly watch?: true
    readonly format?: Format
  }

/** The exit codes of a command that schedules a job, for its help. */
export const scheduleExitCodes = `\nExit codes: ${idTaken} when another job has the ID; with --watch, ${jobExitCodes}.`

/** A command that schedules a job, with the options of every job. */
export const scheduleCommand = (name: string) =>
  hubCommand(name)
    .addOption(where('the devices of the job, such as "tags.building = 43"; "*" is all devices').makeOptionMandatory())
    .option('--id <ID>', 'the job ID; the hub generates one if omitted')
    .option('--if-absent', 'a job with this ID and the same definition is not an error')
    .addOption(time('--at <TIME>', 'when to start the job, such as 2026-11-01T00:00:00Z; now if omitted'))
    .addOption(
      wholeNumber('--max-time <S>', 'maximum execution time in seconds', { min: 1, max: longest }).default(3_600),
    )
    .addOption(
      wholeNumber('--max-devices <N>', 'schedules nothing if more devices meet the condition', {
        min: 0,
        max: 2_147_483_647,
      }),
    )
    .option('--name <TEXT>', 'what people call the job')
    .option('--description <TEXT>', 'what people should know about the job')
    .addOption(labels('--label <NAME=VALUE>', 'a label by which the job can be found; may be repeated'))
    .addOption(targets())
    .addOption(onOverlap())
    .addOption(waves())
    .addOption(timeWindow())
    .addOption(abortRules())
    .addOption(wholeNumber('--max-per-minute <N>', 'devices per minute at most', { min: 1, max: 1_000_000 }))
    .addOption(ramp())
    .addOption(wholeNumber('--max-concurrent <N>', 'calls in progress at most', { min: 1, max: 1_000_000 }))
    .option('--approval', 'the job waits until somebody else approves it, see "twincast jobs approve"')
    .addOption(budget())
    .option('--watch', 'shows the progress until the job has ended; Ctrl-C leaves it running')
    .addOption(format())
    .addHelpText('after', scheduleExitCodes)

/** Schedules the job that the options describe, and watches it if they say so. `complete` adds the operation. */
export function scheduleBy(
  options: Common,
  complete: (common: Omit<JobDefinition, 'cloudToDeviceMethod' | 'updateTwin' | 'skipCompliant'>) => JobDefinition,
): Promise<void> {
  if (options.ifAbsent && options.id === undefined) throw new UsageError('--if-absent requires --id.')
  const definition = complete({
    queryCondition: options.where,
    maxExecutionTimeInSeconds: options.maxTime,
    ...(options.id !== undefined && { jobId: options.id }),
    ...(options.at !== undefined && { startTime: options.at }),
    ...(options.name !== undefined && { name: options.name }),
    ...(options.description !== undefined && { description: options.description }),
    ...(options.label && { labels: options.label }),
    ...(options.targets && { targets: options.targets }),
    ...(options.onOverlap && { onOverlap: options.onOverlap }),
    ...rolloutOf(options),
    ...(options.maxDevices !== undefined && { expect: { maxDevices: options.maxDevices } }),
  })
  return withHub(options, async ({ client }, signal) => {
    const { jobId, isNew } = await scheduleJob(client, definition, options.ifAbsent ?? false)
    if (!isNew) process.stderr.write(`The job ${jobId} exists already, with the same definition.\n`)
    if (options.watch) await showOutcome(client, jobId, { format: options.format, signal, isKnown: true })
    else printRow({ jobId }, options.format)
  })
}

/** The rollout that the options give. */
function rolloutOf({
  maxPerMinute,
  ramp,
  maxConcurrent,
  budget,
  approval,
  wave,
  window,
  abort,
  ...options
}: Pick<Common, 'maxPerMinute' | 'ramp' | 'maxConcurrent' | 'budget' | 'approval' | 'wave' | 'window' | 'abort'> &
  RetryOptions) {
  const retry = retryPolicyOf(options)
  const rollout = {
    ...(maxPerMinute !== undefined && { maxPerMinute }),
    ...(ramp && { ramp }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(budget && { budget }),
    ...(approval && { approval }),
    // The last wave takes the rest.
    ...(wave && { waves: [...wave, {}] }),
    ...(window && { window }),
    ...(retry && { retry }),
    ...(abort && { abort }),
  }
  return Object.keys(rollout).length === 0 ? {} : { rollout }
}

/** Watches a job to its end, prints its outcome, and throws an ExitError unless every device succeeded. */
export async function showOutcome(
  client: HubClient,
  jobId: string,
  { format, ...watching }: { readonly format: Format | undefined } & Watching,
): Promise<void> {
  const last = await watchJob(client, jobId, watching)
  printRow(outcomeRow(last), format)
  checkOutcome(last)
}
