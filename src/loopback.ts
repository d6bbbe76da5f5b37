import { isIP } from 'node:net'

/** Whether this is an IP address that leads to this machine itself. A host name such as `127.0.0.1.example` is not. */
export const isLoopback = (address: string): boolean =>
  isIP(address) !== 0 && (address === '::1' || /^(::ffff:)?127\./i.test(address))
