import type { ConsoleViewerQuery, Right } from '../../generated/console/graphql.ts'

/** Who uses the console, and what the hub lets them do. */
export type Viewer = ConsoleViewerQuery['viewer']

/** Whether there is anything on this hub that the viewer may see. */
export const maySee = (viewer: Pick<Viewer, 'rights' | 'scope'>): boolean =>
  viewer.rights.includes('READ_JOBS') ||
  viewer.rights.includes('READ_DEVICES') ||
  viewer.rights.includes('READ_TWINS') ||
  mayReadAudit(viewer) ||
  mayManageWebhooks(viewer)

/** Whether the viewer may read the audit, which names devices of all scopes. */
export const mayReadAudit = ({ rights, scope }: Pick<Viewer, 'rights' | 'scope'>): boolean =>
  rights.includes('AUDIT_READ') && scope === null

/** Whether the viewer may manage webhooks, which get the events of all jobs. */
export const mayManageWebhooks = ({ rights, scope }: Pick<Viewer, 'rights' | 'scope'>): boolean =>
  rights.includes('MANAGE_WEBHOOKS') && scope === null

/** Why the viewer may not change templates and device groups, which jobs of others use; undefined for one whom the scope allows it. */
export const definitionDenialOf = ({ scope }: Pick<Viewer, 'scope'>): string | undefined =>
  scope === null
    ? undefined
    : `Jobs of others use it, and your roles show you only devices that meet ${scope}. A role without this condition is missing.`

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
  APPROVE_JOBS: 'approve or reject jobs',
  AUDIT_READ: 'see who has changed what',
  MANAGE_WEBHOOKS: 'manage webhooks',
  CONNECT_DEVICES: 'connect as a device',
} as const satisfies Readonly<Record<Right, string>>

/** Why a viewer without this right may not do what requires it. */
export function denialOf({ kind, name, roles }: Pick<Viewer, 'kind' | 'name' | 'roles'>, right: Right): string {
  if (kind === 'PERSON') return `Your roles (${roles.join(', ')}) do not allow you to ${deeds[right]}.`
  return `The policy “${name}” does not allow you to ${deeds[right]}.`
}

/** Why the viewer may not read the audit, and what allows it; undefined for one who may. */
export function auditDenialOf(viewer: Viewer): string | undefined {
  if (mayReadAudit(viewer)) return undefined
  if (!viewer.rights.includes('AUDIT_READ')) {
    const whatAllows = viewer.kind === 'PERSON' ? 'The role admin does.' : 'The policy iothubowner does.'
    return `${denialOf(viewer, 'AUDIT_READ')} ${whatAllows}`
  }
  return `The audit covers all devices, and your roles show you only those that meet ${viewer.scope}. A role without this condition is missing.`
}

/** Why the viewer may not manage webhooks, and what allows it; undefined for one who may. */
export function webhookDenialOf(viewer: Viewer): string | undefined {
  if (mayManageWebhooks(viewer)) return undefined
  if (!viewer.rights.includes('MANAGE_WEBHOOKS')) {
    const whatAllows = viewer.kind === 'PERSON' ? 'The role admin does.' : 'The policy iothubowner does.'
    return `${denialOf(viewer, 'MANAGE_WEBHOOKS')} ${whatAllows}`
  }
  return `Webhooks get the events of all jobs, and your roles show you only devices that meet ${viewer.scope}. A role without this condition is missing.`
}
