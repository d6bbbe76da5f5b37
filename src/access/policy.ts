/** The rights that a shared access policy can grant. The names are those of IoT Hub. */
export type Right = 'registryRead' | 'registryWrite' | 'serviceConnect' | 'deviceConnect'

/**
 * A shared access policy: a named pair of keys (base64) with rights. With two keys, one can be changed while the other
 * is in use.
 */
export type Policy = {
  readonly name: string
  readonly rights: ReadonlySet<Right>
  readonly primaryKey: string
  readonly secondaryKey: string
}

/**
 * An authenticated client. `expiry` (seconds since 1970 UTC) is when its credential expires, which ends its open
 * subscriptions, too.
 */
export type Viewer = { readonly policyName: string; readonly rights: ReadonlySet<Right>; readonly expiry?: number }

/** All operations that rights distinguish. */
export type Operation =
  | 'readDevices'
  | 'writeDevices'
  | 'readTwins'
  | 'writeTwins'
  | 'invokeMethods'
  | 'readJobs'
  | 'writeJobs'
  | 'connectDevices'

/** The policies of a new hub, as in IoT Hub; its creator generates the keys. */
export const defaultPolicies: readonly Pick<Policy, 'name' | 'rights'>[] = [
  { name: 'iothubowner', rights: new Set(['registryRead', 'registryWrite', 'serviceConnect', 'deviceConnect']) },
  { name: 'service', rights: new Set(['serviceConnect']) },
  { name: 'device', rights: new Set(['deviceConnect']) },
  { name: 'registryRead', rights: new Set(['registryRead']) },
  { name: 'registryReadWrite', rights: new Set(['registryRead', 'registryWrite']) },
]

/**
 * The sets of rights, one of which is needed in full. Azure's documentation leaves open which right a job needs: its
 * SDK uses a registry right, and the methods that a job calls need the service right. So either is enough.
 */
const rightsFor: Readonly<Record<Operation, readonly (readonly Right[])[]>> = {
  readDevices: [['registryRead']],
  writeDevices: [['registryRead', 'registryWrite']],
  readTwins: [['serviceConnect']],
  writeTwins: [['serviceConnect']],
  invokeMethods: [['serviceConnect']],
  readJobs: [['registryRead'], ['serviceConnect']],
  writeJobs: [['registryWrite'], ['serviceConnect']],
  connectDevices: [['deviceConnect']],
}

/** Whether the viewer's rights allow the operation. All rights are decided here and nowhere else. */
export function may(viewer: Pick<Viewer, 'rights'>, operation: Operation): boolean {
  return rightsFor[operation].some((rights) => rights.every((right) => viewer.rights.has(right)))
}
