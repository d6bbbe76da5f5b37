import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Door } from './settings.ts'

/** Nobody answers where the devices are to connect, or not with a certificate that is trusted. `cause` is the socket's error. */
export class DoorClosedError extends Error {
  override readonly name = 'DoorClosedError'
}

/** Tries the door once. A fleet would go on trying for a minute, as devices should. Rejects with a DoorClosedError. */
export async function probe({ url, host, port, tls, ca }: Door): Promise<void> {
  const address = { host, port }
  const socket = tls
    ? connectTls({ ...address, ...(isIP(host) ? {} : { servername: host }), ...(ca ? { ca } : {}) })
    : connect(address)
  try {
    await once(socket, tls ? 'secureConnect' : 'connect')
  } catch (error) {
    throw new DoorClosedError(`The connection to ${url} failed.`, { cause: error })
  } finally {
    socket.destroy()
  }
}
