import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { MqttEndpoint } from './settings.ts'

/** Nothing listens at the MQTT address, or its certificate is not trusted. `cause` is the socket's error. */
export class EndpointUnreachableError extends Error {
  override readonly name = 'EndpointUnreachableError'
}

/**
 * Connects once and disconnects, so that a wrong address is reported at once: a fleet would try for a minute. Rejects
 * with an EndpointUnreachableError.
 */
export async function probe({ url, host, port, tls, ca }: MqttEndpoint): Promise<void> {
  const address = { host, port }
  const socket = tls
    ? connectTls({ ...address, ...(isIP(host) ? {} : { servername: host }), ...(ca ? { ca } : {}) })
    : connect(address)
  try {
    await once(socket, tls ? 'secureConnect' : 'connect')
  } catch (error) {
    throw new EndpointUnreachableError(`The connection to ${url} failed.`, { cause: error })
  } finally {
    socket.destroy()
  }
}
