import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { onOverlap } from '../../jobs/overlap-option.ts'
import { ramp } from '../../jobs/ramp-option.ts'
import { targets } from '../../jobs/targets-option.ts'
import { waves } from '../../jobs/wave-option.ts'
import { timeWindow } from '../../jobs/window-option.ts'
import { jsonObject, where, wholeNumber } from '../../options.ts'
import { printCount } from '../../output/count.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const PreviewOneJob = graphql(`
  query PreviewOneJob($input: PreviewJobInput!) {
    previewJob(input: $input) {
      __typename
      ... on JobPreview {
        deviceCount { value precision } connectedCount { value precision } compliantCount { value precision }
        fingerprint expectedDurationInSeconds shortestDurationInSeconds waveSizes openTimes { openTime closeTime }
        devices { deviceId }
        overlaps { job { jobId } deviceCount { value precision } propertyPaths blocksStart }
      }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs preview` */
export const createJobsPreview = () =>
  hubCommand('preview')
    .description('Prints what a job would do if it started now. Nothing is changed.')
    .addOption(where('the devices of the job, such as "tags.building = 43"; "*" is all devices').makeOptionMandatory())
    .option('--method <NAME>', 'the method that it would call')
    .addOption(jsonObject('--tags <JSON>', 'the patch for the tags that it would merge').conflicts('method'))
    .addOption(
      jsonObject('--desired <JSON>', 'the patch for the desired properties that it would merge').conflicts('method'),
    )
    .addOption(targets())
    .addOption(onOverlap())
    .addOption(wholeNumber('--max-per-minute <N>', 'devices per minute at most', { min: 1, max: 1_000_000 }))
    .addOption(ramp())
    .addOption(waves())
    .addOption(timeWindow())
    .addOption(format())
    .action(
      ({ where: queryCondition, method: methodName, tags, desired, maxPerMinute, ramp, wave, window, ...options }) =>
        withHub(options, async ({ client }) => {
          const patch = { ...(tags && { tags }), ...(desired && { properties: { desired } }) }
          const input = {
            queryCondition,
            ...(options.targets && { targets: options.targets }),
            ...(options.onOverlap && { onOverlap: options.onOverlap }),
            ...(methodName !== undefined && { cloudToDeviceMethod: { methodName } }),
            ...((tags || desired) && { updateTwin: patch }),
            ...((maxPerMinute !== undefined || ramp || wave || window) && {
              rollout: {
                ...(maxPerMinute !== undefined && { maxPerMinute }),
                ...(ramp && { ramp }),
                ...(wave && { waves: [...wave, {}] }),
                ...(window && { window }),
              },
            }),
          }
          const { previewJob } = await client.execute(PreviewOneJob, { input })
          const preview = payloadOf(previewJob, 'JobPreview')
          printRow(
            {
              devices: printCount(preview.deviceCount),
              connected: printCount(preview.connectedCount),
              ...(preview.compliantCount && { unchanged: printCount(preview.compliantCount) }),
              fingerprint: preview.fingerprint ?? null,
              expectedDurationInSeconds: preview.expectedDurationInSeconds ?? null,
              ...(maxPerMinute !== undefined && {
                shortestDurationInSeconds: preview.shortestDurationInSeconds ?? null,
              }),
              ...(wave && { waveSizes: preview.waveSizes ?? null }),
              ...(window && { openTimes: preview.openTimes }),
              firstDevices: preview.devices?.map(({ deviceId }) => deviceId) ?? [],
              overlaps: preview.overlaps.map(({ job, deviceCount, propertyPaths, blocksStart }) => ({
                jobId: job?.jobId,
                devices: printCount(deviceCount),
                propertyPaths,
                ...(options.onOverlap && { blocksStart }),
              })),
            },
            options.format,
          )
        }),
    )
