import { ConnectRefusedError } from '../../simulator/errors.ts'
import { explainHub, isMistrust, trust, withAdvice } from '../explain-hub.ts'
import { EndpointUnreachableError } from './probe.ts'

const checkName = 'Check that --hub-name is the HUB_HOST_NAME of the hub.'

/** Adds advice to the message of an error about a hub or its MQTT endpoint. Any other error is returned unchanged. */
export function explain(error: unknown, hasCredential: boolean): unknown {
  if (error instanceof EndpointUnreachableError) {
    const setAddress = 'Set the MQTT address of the hub with --mqtt. The hub logs it when it starts.'
    return withAdvice(error, isMistrust(error.cause) ? trust : setAddress)
  }
  if (error instanceof ConnectRefusedError) return withAdvice(error, checkName)
  return explainHub(error, hasCredential)
}
