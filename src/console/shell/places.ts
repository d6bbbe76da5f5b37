import type { Right } from '../../generated/console/graphql.ts'
import { mayManageWebhooks, mayReadAudit, type Viewer } from '../hub/viewer.ts'
import type { KeyName } from '../keys/key-table.ts'
import type { IconName } from '../ui/icon-paths.ts'

/** A page that can be gone to by its name. */
export type Place = {
  readonly to: string
  readonly name: string
  readonly icon: IconName
  /** Whether the page has something to show to this viewer. */
  readonly isFor: (viewer: Pick<Viewer, 'rights' | 'scope'>) => boolean
}

const anyOf =
  (...needed: readonly Right[]): Place['isFor'] =>
  ({ rights }) =>
    needed.some((right) => rights.includes(right))

/** A page that the navigation leads to. */
type MainPlace = Place & {
  /** The key that leads there. */
  readonly key: KeyName
}

/** A page that another one leads to. */
type PlaceWithin = Place & {
  /** The address of that one. */
  readonly within: string
}

const places: readonly MainPlace[] = [
  { to: '/jobs', name: 'Jobs', icon: 'jobs', key: 'jobs', isFor: anyOf('READ_JOBS') },
  { to: '/schedule', name: 'Schedule', icon: 'schedule', key: 'schedule', isFor: anyOf('WRITE_JOBS') },
  { to: '/devices', name: 'Devices', icon: 'devices', key: 'devices', isFor: anyOf('READ_DEVICES', 'READ_TWINS') },
  { to: '/audit', name: 'Audit', icon: 'audit', key: 'audit', isFor: mayReadAudit },
  { to: '/webhooks', name: 'Webhooks', icon: 'webhook', key: 'webhooks', isFor: mayManageWebhooks },
]

const placesWithin: readonly PlaceWithin[] = [
  { to: '/schedules', name: 'Schedules', icon: 'schedule', within: '/jobs', isFor: anyOf('READ_JOBS') },
  { to: '/templates', name: 'Templates', icon: 'twin', within: '/jobs', isFor: anyOf('READ_JOBS') },
  { to: '/groups', name: 'Device groups', icon: 'devices', within: '/jobs', isFor: anyOf('READ_JOBS') },
]

/** The pages of the navigation that have something to show for this viewer. */
export const placesOf = (viewer: Pick<Viewer, 'rights' | 'scope'>): readonly MainPlace[] =>
  places.filter(({ isFor }) => isFor(viewer))

/** A page of the navigation, and those within it, as far as they have something to show for this viewer. */
export const placesAbout = (main: string, viewer: Pick<Viewer, 'rights' | 'scope'>): readonly Place[] =>
  [...places.filter(({ to }) => to === main), ...placesWithin.filter(({ within }) => within === main)].filter(
    ({ isFor }) => isFor(viewer),
  )

/** All pages that have something to show for this viewer. */
export const allPlacesOf = (viewer: Pick<Viewer, 'rights' | 'scope'>): readonly Place[] => [
  ...placesOf(viewer),
  ...placesWithin.filter(({ isFor }) => isFor(viewer)),
]

/** The page of the navigation that an address belongs to. */
export function mainPlaceOf(pathname: string): string | undefined {
  const isAt = ({ to }: Place): boolean => pathname === to || pathname.startsWith(`${to}/`)
  return places.find(isAt)?.to ?? placesWithin.find(isAt)?.within
}
