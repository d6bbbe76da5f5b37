/** All rights: what a viewer may do. Every protected operation requires one of them. */
export const rights = [
  'readDevices',
  'readKeys',
  'writeDevices',
  'readTwins',
  'writeTwins',
  'invokeMethods',
  'readJobs',
  'writeJobs',
  'approveJobs',
  'auditRead',
  'manageWebhooks',
  'connectDevices',
] as const

/** What a viewer may do. */
export type Right = (typeof rights)[number]

export const isRight = (value: unknown): value is Right => rights.some((right) => right === value)

/** The rights that a shared access policy can grant. The names are those of IoT Hub. */
export type PolicyRight = 'registryRead' | 'registryWrite' | 'serviceConnect' | 'deviceConnect'

/** All rights of policies, in the order in which files list them. */
export const policyRights: readonly PolicyRight[] = ['registryRead', 'registryWrite', 'serviceConnect', 'deviceConnect']

/**
 * The sets of policy rights, one of which a policy needs in full. Azure's documentation leaves open which right a job
 * needs: its SDK uses a registry right, and the methods that a job calls need the service right. So either is enough.
 * Only a policy with all rights may do what IoT Hub does not have.
 */
const policyRightsFor: Readonly<Record<Right, readonly (readonly PolicyRight[])[]>> = {
  readDevices: [['registryRead']],
  readKeys: [['registryRead']],
  writeDevices: [['registryRead', 'registryWrite']],
  readTwins: [['serviceConnect']],
  writeTwins: [['serviceConnect']],
  invokeMethods: [['serviceConnect']],
  readJobs: [['registryRead'], ['serviceConnect']],
  writeJobs: [['registryWrite'], ['serviceConnect']],
  approveJobs: [policyRights],
  auditRead: [policyRights],
  manageWebhooks: [policyRights],
  connectDevices: [['deviceConnect']],
}

/** The rights of a policy with these rights of IoT Hub. */
export function rightsOfPolicy(granted: ReadonlySet<PolicyRight>): ReadonlySet<Right> {
  return new Set(
    rights.filter((right) => policyRightsFor[right].some((needed) => needed.every((each) => granted.has(each)))),
  )
}

/** Whether the viewer has the right. */
export const may = (viewer: { readonly rights: ReadonlySet<Right> }, right: Right): boolean => viewer.rights.has(right)
