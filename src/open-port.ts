import type { AddressInfo, Server } from 'node:net'

/** A port could not be opened; names the variable of the port. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** Where to listen. Port 0 means any free port. */
export type ListenAddress = { readonly variable: string; readonly host: string; readonly port: number }

/**
 * Maximum number of connections that wait to be accepted, as far as the system allows. Node's 511 are too few when a
 * thousand clients connect at once: the system drops the others, and every client among them, a probe for example,
 * retries only after seconds.
 */
const backlog = 4_096

/** Opens the port and returns its address. ListenError. */
export function openPort(server: Server, { variable, host, port }: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const where = `${host}:${port}`
      const problem = reasons[error.code ?? ''] ?? error.message
      reject(
        new ListenError(`${variable} is ${port}, but the hub cannot listen on ${where}: ${problem}.`, { cause: error }),
      )
    }
    server.once('error', fail)
    server.listen({ port, host, backlog }, () => {
      server.off('error', fail)
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address)
      else reject(new ListenError(`${variable}: ${host}:${port} is not a network address.`))
    })
  })
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port; stop it, or choose another port (0 for any free port)',
  EACCES: 'this user has no permission; choose a port of 1024 or more',
  EADDRNOTAVAIL: 'this machine has no such address; choose another HOST',
  ENOTFOUND: 'this host name is unknown; choose another HOST',
}
