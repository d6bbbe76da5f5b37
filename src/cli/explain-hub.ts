import { HubRefusedError, HubUnreachableError } from './hub-errors.ts'

/** The advice when TLS does not trust the certificate of a hub. */
export const trust = 'If the hub has a private CA, pass the file ca.pem from its data folder with --ca.'

/** Adds advice to the message of an error about a hub. Any other error is returned unchanged. */
export function explainHub(error: unknown, hasCredential: boolean): unknown {
  const advice = adviceOn(error, hasCredential)
  return advice === undefined ? error : withAdvice(error, advice)
}

/** The error with its cause and the advice in its message. */
export function withAdvice(error: unknown, advice: string): unknown {
  if (!(error instanceof Error)) return error
  const reason = error.cause instanceof Error ? ` (${reasonIn(error.cause)})` : ''
  return new Error(`${error.message.replace(/\.$/, '')}${reason}. ${advice}`)
}

function adviceOn(error: unknown, hasCredential: boolean): string | undefined {
  if (error instanceof HubUnreachableError) {
    return isMistrust(error.cause) ? trust : 'Start a hub with "twincast start", or set its address with --hub.'
  }
  if (error instanceof HubRefusedError && (error.code === 'UNAUTHORIZED' || error.code === 'TOKEN_INVALID')) {
    return hasCredential
      ? 'Check that --key or --token is for this hub, and that the host in --hub is its HUB_HOST_NAME.'
      : 'Set a key with --key or TWINCAST_KEY, or a token with --token or TWINCAST_TOKEN.'
  }
  return undefined
}

/** Whether TLS failed because of the certificate, by the codes of OpenSSL and Node. */
export const isMistrust = (cause: unknown): boolean =>
  cause instanceof Error && /CERT|VERIFY|SIGNATURE|ALTNAME/.test(reasonIn(cause))

/** The code of a socket's error, or else its message. */
const reasonIn = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.message
