import { graphql } from '../../../generated/commands/gql.ts'
import { ExitError } from '../../exit-error.ts'
import { hubCommand } from '../../hub-options.ts'
import { json, wholeNumber } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const CallDevice = graphql(`
  mutation CallDevice($input: InvokeDeviceMethodInput!) {
    invokeDeviceMethod(input: $input) {
      __typename
      ... on InvokeDeviceMethodPayload { status payload }
      ... on Error { code message }
    }
  }
`)

/** From this status on, a device has refused a call. */
const refused = 400

/** `twincast devices call` */
export const createDevicesCall = () =>
  hubCommand('call')
    .description('Calls a direct method of a device now, and prints its answer.')
    .argument('<deviceId>', 'the device')
    .argument('<method>', 'the name of the method')
    .addOption(json('--payload <JSON>', 'the payload of the call'))
    .addOption(
      wholeNumber('--response-timeout <S>', 'seconds that the device has for its answer', { min: 5, max: 300 }).default(
        30,
      ),
    )
    .addOption(
      wholeNumber('--connect-timeout <S>', 'seconds to wait for a device that is not connected', {
        min: 0,
        max: 300,
      }).default(0),
    )
    .addOption(format())
    .addHelpText('after', '\nExit codes: 4 when the device answers with a status of 400 or more.')
    .action((deviceId, methodName, { payload, responseTimeout, connectTimeout, ...options }) =>
      withHub(options, async ({ client }) => {
        const { invokeDeviceMethod } = await client.execute(CallDevice, {
          input: {
            deviceId,
            methodName,
            ...(payload !== undefined && { payload }),
            responseTimeoutInSeconds: responseTimeout,
            connectTimeoutInSeconds: connectTimeout,
          },
        })
        const answer = payloadOf(invokeDeviceMethod, 'InvokeDeviceMethodPayload')
        printRow({ status: answer.status, payload: answer.payload ?? null }, options.format)
        if (answer.status >= refused) throw new ExitError(4, `The device refused the call with ${answer.status}.`)
      }),
    )
