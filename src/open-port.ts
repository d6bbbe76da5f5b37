import type { AddressInfo, Server } from 'node:net'

/** A port could not be opened; names the variable of the port. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** Where to listen. Port 0 means any free port. */
export type PortAddress = { readonly host: string; readonly port: number }

/** With the variable of the port, such as `HTTP_PORT`. */
export type ListenAddress = PortAddress & { readonly variable: string }

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
      const problem = reasonFor(error, variable)
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

function reasonFor({ code, message }: NodeJS.ErrnoException, variable: string): string {
  const host = variable.replace('_PORT', '_HOST')
  switch (code) {
    case 'EADDRINUSE':
      return 'another program uses this port; stop it, or choose another port (0 for any free port)'
    case 'EACCES':
      return 'this user has no permission; choose a port of 1024 or more'
    case 'EADDRNOTAVAIL':
      return `this machine has no such address; choose another ${host}`
    case 'ENOTFOUND':
      return `this host name is unknown; choose another ${host}`
    default:
      return message
  }
}
