import { Agent } from 'node:https'

/**
 * Makes a client of azure-iothub dial another port than 443. The SDK has no option for that, so this reaches into it;
 * with a hub on port 443, as in production, nothing of this file is needed.
 *
 * `ca` is PEM text, for a program that was not started with NODE_EXTRA_CA_CERTS.
 */
export function dialPort(client, port, ca) {
  const agent = new Agent({ keepAlive: true, port, ca })
  client._restApiClient.setOptions({ http: { agent } })
}
