import { Command } from '@commander-js/extra-typings'
import { backoff, backoffFactor, maxAttempts, maxBackoff, retryOn } from '../../jobs/retry-options.ts'
import { scheduleBy, scheduleCommand } from '../../jobs/schedule-command.ts'
import { templateCommand } from '../../jobs/template-command.ts'
import { json, jsonObject, wholeNumber } from '../../options.ts'
import { UsageError } from '../../usage-error.ts'

/** `twincast jobs schedule …` */
export const createJobsSchedule = () =>
  new Command('schedule')
    .description('Schedules a job.')
    .addCommand(
      scheduleCommand('method')
        .description('Schedules a job that calls a direct method on every device that meets a condition.')
        .argument('<method>', 'the name of the method')
        .addOption(json('--payload <JSON>', 'the payload of the calls'))
        .addOption(
          wholeNumber('--response-timeout <S>', 'seconds that a device has for its answer', {
            min: 5,
            max: 300,
          }).default(30),
        )
        .addOption(
          wholeNumber('--connect-timeout <S>', 'seconds that a device has to connect; until the deadline if omitted', {
            min: 1,
            max: 300,
          }),
        )
        .addOption(retryOn())
        .addOption(maxAttempts())
        .addOption(backoff())
        .addOption(backoffFactor())
        .addOption(maxBackoff())
        .action((methodName, { payload, responseTimeout, connectTimeout, ...options }) =>
          scheduleBy(options, (common) => ({
            ...common,
            cloudToDeviceMethod: {
              methodName,
              responseTimeoutInSeconds: responseTimeout,
              ...(payload !== undefined && { payload }),
              ...(connectTimeout !== undefined && { connectTimeoutInSeconds: connectTimeout }),
            },
          })),
        ),
    )
    .addCommand(
      scheduleCommand('twin')
        .description('Schedules a job that merges a patch into the twin of every device that meets a condition.')
        .addOption(jsonObject('--tags <JSON>', 'the patch for the tags; null deletes a key'))
        .addOption(jsonObject('--desired <JSON>', 'the patch for the desired properties'))
        .option('--skip-compliant', 'skips the devices whose twins the patch would not change; they count as succeeded')
        .action(({ tags, desired, skipCompliant, ...options }) => {
          if (tags === undefined && desired === undefined) throw new UsageError('Give --tags, --desired or both.')
          const updateTwin = { ...(tags && { tags }), ...(desired && { properties: { desired } }) }
          return scheduleBy(options, (common) => ({ ...common, updateTwin, ...(skipCompliant && { skipCompliant }) }))
        }),
    )
    .addCommand(templateCommand())
