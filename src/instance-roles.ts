/**
 * What an instance of a hub can do. A gateway serves devices and calls them; an api serves GraphQL, REST and the
 * console; a worker does the rest of the scheduler's work.
 */
export const instanceRoles = ['gateway', 'api', 'worker'] as const
export type InstanceRole = (typeof instanceRoles)[number]

/** What does not happen in a hub while no living instance has the role. */
export const withoutRole: Readonly<Record<InstanceRole, string>> = {
  gateway: 'devices cannot connect',
  api: 'GraphQL, REST and the console are not served',
  worker: 'jobs do not start, end or expire',
}
