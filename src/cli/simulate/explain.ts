import { ConnectRefusedError } from '../../simulator/errors.ts'
import { HubRefusedError, HubUnreachableError } from '../hub-client.ts'
import { EndpointUnreachableError } from './probe.ts'

const trust = 'If the hub has a private CA, pass the file ca.pem from its data folder with --ca.'

/** Adds advice to the message of an error. An error without known advice is returned unchanged. */
export function explain(error: unknown, hasKey: boolean): unknown {
  if (!(error instanceof Error)) return error
  const advice = adviceOn(error, hasKey)
  if (advice === undefined) return error
  const reason = error.cause instanceof Error ? ` (${codeOf(error.cause)})` : ''
  return new Error(`${error.message.replace(/\.$/, '')}${reason}. ${advice}`)
}

function adviceOn(error: Error, hasKey: boolean): string | undefined {
  if (error instanceof HubUnreachableError) {
    return isMistrust(error.cause) ? trust : 'Start a hub with "npm start", or set its address with --hub.'
  }
  if (error instanceof EndpointUnreachableError) {
    return isMistrust(error.cause)
      ? trust
      : 'Set the MQTT address of the hub with --mqtt. The hub logs it when it starts.'
  }
  if (error instanceof HubRefusedError && (error.code === 'UNAUTHORIZED' || error.code === 'TOKEN_INVALID')) {
    return hasKey
      ? 'Check that --key is the key of iothubowner, and that --hub-name is the HUB_HOST_NAME of the hub.'
      : 'Set the key of iothubowner with --key or IOTHUB_OWNER_KEY.'
  }
  if (error instanceof ConnectRefusedError) return 'Check that --hub-name is the HUB_HOST_NAME of the hub.'
  return undefined
}

/** Whether TLS failed because of the certificate, by the codes of OpenSSL and Node. */
const isMistrust = (cause: unknown): boolean =>
  cause instanceof Error && /CERT|VERIFY|SIGNATURE|ALTNAME/.test(codeOf(cause))

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.message
