import type { PolicyRight } from './rights.ts'

/**
 * A shared access policy: a named pair of keys (base64) with rights. With two keys, one can be changed while the other
 * is in use.
 */
export type Policy = {
  readonly name: string
  readonly rights: ReadonlySet<PolicyRight>
  readonly primaryKey: string
  readonly secondaryKey: string
}

/** The policies of a new hub, as in IoT Hub; its creator generates the keys. */
export const defaultPolicies: readonly Pick<Policy, 'name' | 'rights'>[] = [
  { name: 'iothubowner', rights: new Set(['registryRead', 'registryWrite', 'serviceConnect', 'deviceConnect']) },
  { name: 'service', rights: new Set(['serviceConnect']) },
  { name: 'device', rights: new Set(['deviceConnect']) },
  { name: 'registryRead', rights: new Set(['registryRead']) },
  { name: 'registryReadWrite', rights: new Set(['registryRead', 'registryWrite']) },
]
