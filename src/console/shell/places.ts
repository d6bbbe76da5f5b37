import type { Right } from '../../generated/console/graphql.ts'
import { mayManageWebhooks, mayReadAudit, type Viewer } from '../hub/viewer.ts'
import type { KeyName } from '../keys/key-table.ts'
import type { IconName } from '../ui/icon-paths.ts'

/** A page that the navigation leads to. */
export type Place = {
  readonly to: string
  readonly name: string
  readonly icon: IconName
  /** The key that leads there. */
  readonly key: KeyName
  /** Whether the page has something to show to this viewer. */
  readonly isFor: (viewer: Pick<Viewer, 'rights' | 'scope'>) => boolean
}

const anyOf =
  (...needed: readonly Right[]): Place['isFor'] =>
  ({ rights }) =>
    needed.some((right) => rights.includes(right))

const places: readonly Place[] = [
  { to: '/jobs', name: 'Jobs', icon: 'jobs', key: 'jobs', isFor: anyOf('READ_JOBS') },
  { to: '/schedule', name: 'Schedule', icon: 'schedule', key: 'schedule', isFor: anyOf('WRITE_JOBS') },
  { to: '/devices', name: 'Devices', icon: 'devices', key: 'devices', isFor: anyOf('READ_DEVICES', 'READ_TWINS') },
  { to: '/audit', name: 'Audit', icon: 'audit', key: 'audit', isFor: mayReadAudit },
  { to: '/webhooks', name: 'Webhooks', icon: 'webhook', key: 'webhooks', isFor: mayManageWebhooks },
]

/** The pages that have something to show for this viewer. */
export const placesOf = (viewer: Pick<Viewer, 'rights' | 'scope'>): readonly Place[] =>
  places.filter(({ isFor }) => isFor(viewer))
