import type { ConsoleViewerQuery, Right } from '../../generated/console/graphql.ts'

/** Who uses the console, and what the hub lets them do. */
export type Viewer = ConsoleViewerQuery['viewer']

/** Whether there is anything on this hub that the viewer may see. */
export const maySee = ({ rights }: Pick<Viewer, 'rights'>): boolean =>
  rights.includes('READ_JOBS') || rights.includes('READ_DEVICES') || rights.includes('READ_TWINS')

/** What each right allows, as the end of a sentence. */
const deeds = {
  READ_DEVICES: 'see devices',
  READ_KEYS: 'see the keys of devices',
  WRITE_DEVICES: 'register, change or delete devices',
  READ_TWINS: 'see twins and telemetry',
  WRITE_TWINS: 'change twins',
  INVOKE_METHODS: 'call methods',
  READ_JOBS: 'see jobs',
  WRITE_JOBS: 'schedule, retry or cancel jobs',
  APPROVE_JOBS: 'approve jobs',
  AUDIT_READ: 'see who has changed what',
  CONNECT_DEVICES: 'connect as a device',
} as const satisfies Readonly<Record<Right, string>>

/** Why a viewer without this right may not do what requires it. */
export function denialOf({ kind, name, roles }: Pick<Viewer, 'kind' | 'name' | 'roles'>, right: Right): string {
  if (kind === 'PERSON') return `Your roles (${roles.join(', ')}) do not allow you to ${deeds[right]}.`
  return `The policy “${name}” does not allow you to ${deeds[right]}.`
}
