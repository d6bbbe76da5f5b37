import type { Right } from '../../generated/console/graphql.ts'
import type { Viewer } from '../hub/viewer.ts'
import type { IconName } from '../ui/icon-paths.ts'

/** A page that the navigation leads to. */
export type Place = {
  readonly to: string
  readonly name: string
  readonly icon: IconName
  /** The page has something to show for a viewer with one of these. */
  readonly rights: readonly Right[]
}

const places: readonly Place[] = [
  { to: '/jobs', name: 'Jobs', icon: 'jobs', rights: ['READ_JOBS'] },
  { to: '/schedule', name: 'Schedule', icon: 'schedule', rights: ['WRITE_JOBS'] },
  { to: '/devices', name: 'Devices', icon: 'devices', rights: ['READ_DEVICES', 'READ_TWINS'] },
]

/** The pages that have something to show for this viewer. */
export const placesOf = (viewer: Pick<Viewer, 'rights'>): readonly Place[] =>
  places.filter(({ rights }) => rights.some((right) => viewer.rights.includes(right)))
