/** What a shared access policy can grant. The names are those of IoT Hub. */
export type Right = 'registryRead' | 'registryWrite' | 'serviceConnect' | 'deviceConnect'

/** A shared access policy: a named pair of keys (base64) with rights. Two keys, so that one can be changed at a time. */
export type Policy = {
  readonly name: string
  readonly rights: ReadonlySet<Right>
  readonly primaryKey: string
  readonly secondaryKey: string
}

/** Who asks. `expiry` (seconds since 1970 UTC) is when the credential ends, and with it whatever it keeps open. */
export type Viewer = { readonly policyName: string; readonly rights: ReadonlySet<Right>; readonly expiry?: number }

/** Everything the doors offer, as far as rights tell it apart. */
export type Operation =
  | 'readDevices'
  | 'writeDevices'
  | 'readTwins'
  | 'writeTwins'
  | 'invokeMethods'
  | 'readJobs'
  | 'writeJobs'
  | 'connectDevices'

/** The policies a new hub has, as IoT Hub makes them; the keys are made by whoever creates them. */
export const defaultPolicies: readonly Pick<Policy, 'name' | 'rights'>[] = [
  { name: 'iothubowner', rights: new Set(['registryRead', 'registryWrite', 'serviceConnect', 'deviceConnect']) },
  { name: 'service', rights: new Set(['serviceConnect']) },
  { name: 'device', rights: new Set(['deviceConnect']) },
  { name: 'registryRead', rights: new Set(['registryRead']) },
  { name: 'registryReadWrite', rights: new Set(['registryRead', 'registryWrite']) },
]

/**
 * The sets of rights of which one whole set is needed. Azure's documents leave open which right a job needs: its SDK asks
 * for the registry, the methods a job calls ask for the service. So either will do.
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
