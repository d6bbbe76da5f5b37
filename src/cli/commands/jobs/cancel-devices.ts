import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { where } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { UsageError } from '../../usage-error.ts'
import { withHub } from '../../with-hub.ts'

const CancelSomeDeviceJobs = graphql(`
  mutation CancelSomeDeviceJobs($input: CancelDeviceJobsInput!) {
    cancelDeviceJobs(input: $input) {
      __typename
      ... on CancelDeviceJobsPayload { jobId cancelledCount callsInProgress }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs cancel-devices` */
export const createJobsCancelDevices = () =>
  hubCommand('cancel-devices')
    .description('Cancels the part of a job on devices that have not had their turn. The job goes on with the others.')
    .argument('<jobId>', 'the job, which must have started')
    .option('--device <ID>', 'the device')
    .addOption(where('the devices that meet this condition, such as "tags.building = 43"'))
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action((jobId, { device: deviceId, where: queryCondition, reason, ...options }) => {
      if ((deviceId === undefined) === (queryCondition === undefined)) {
        throw new UsageError('Give either --device or --where.')
      }
      return withHub(options, async ({ client }) => {
        const { cancelDeviceJobs } = await client.execute(CancelSomeDeviceJobs, {
          input: {
            jobId,
            ...(deviceId !== undefined && { deviceId }),
            ...(queryCondition !== undefined && { queryCondition }),
            ...(reason !== undefined && { reason }),
          },
        })
        const { cancelledCount, callsInProgress } = payloadOf(cancelDeviceJobs, 'CancelDeviceJobsPayload')
        printRow({ jobId, cancelledCount, callsInProgress }, options.format)
      })
    })
