import { ConnectRefusedError } from '../../simulator/errors.ts'
import { HubRefusedError, HubUnreachableError } from '../hub-client.ts'
import { DoorClosedError } from './probe.ts'

const trust = "For a hub with a private CA, name the file ca.pem of the hub's data folder with --ca."

/** The error with what to do about it; one that says so already, or that nobody expects, as it is. */
export function explain(error: unknown, hasKey: boolean): unknown {
  if (!(error instanceof Error)) return error
  const advice = adviceOn(error, hasKey)
  if (advice === undefined) return error
  const reason = error.cause instanceof Error ? ` (${codeOf(error.cause)})` : ''
  return new Error(`${error.message.replace(/\.$/, '')}${reason}. ${advice}`)
}

function adviceOn(error: Error, hasKey: boolean): string | undefined {
  if (error instanceof HubUnreachableError) {
    return isMistrust(error.cause) ? trust : 'Start a hub with "npm start", or say where it is with --hub.'
  }
  if (error instanceof DoorClosedError) {
    return isMistrust(error.cause) ? trust : 'Say with --mqtt where the hub takes devices; it logs that when it starts.'
  }
  if (error instanceof HubRefusedError && error.code === 'UNAUTHORIZED') {
    return hasKey
      ? 'Is that the key of iothubowner, and --hub-name the name the hub knows itself by?'
      : 'Give the key of iothubowner with --key or in IOTHUB_OWNER_KEY.'
  }
  if (error instanceof ConnectRefusedError) return 'Is --hub-name the name the hub knows itself by?'
  return undefined
}

/** Whether TLS has failed for the certificate: OpenSSL's and Node's codes for that. */
const isMistrust = (cause: unknown): boolean =>
  cause instanceof Error && /CERT|VERIFY|SIGNATURE|ALTNAME/.test(codeOf(cause))

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.message
