import { createContext, use } from 'react'
import type { Right } from '../../generated/console/graphql.ts'
import { useOutage } from './use-outage.ts'
import { definitionDenialOf, denialOf, type Viewer } from './viewer.ts'

export const ViewerContext = createContext<Viewer | undefined>(undefined)

/** Who uses the console, with the present roles: those after a renewal may be others. */
export function useViewer(): Viewer {
  const viewer = use(ViewerContext)
  if (viewer === undefined) throw new Error('useViewer needs a SessionGate around the component.')
  return viewer
}

/** Returns why the viewer may not do what requires a right, as a sentence; undefined for a right that it has. */
export function useRightDenial(): (right: Right) => string | undefined {
  const viewer = useViewer()
  return (right) => (viewer.rights.includes(right) ? undefined : denialOf(viewer, right))
}

/**
 * Returns why an action cannot be carried out now, as a sentence: the viewer lacks the right, or the hub cannot be
 * reached. For the property `denied` of buttons. Without a right, only the second.
 */
export function useDenial(): (right?: Right) => string | undefined {
  const denial = useRightDenial()
  const isOut = useOutage() !== undefined
  return (right) =>
    (right && denial(right)) ??
    (isOut ? 'Not available while the hub cannot be reached. The console is reconnecting.' : undefined)
}

/** Returns why templates and device groups cannot be changed now, as a sentence. For the property `denied` of buttons. */
export function useDefinitionDenial(): string | undefined {
  const viewer = useViewer()
  return useDenial()('WRITE_JOBS') ?? definitionDenialOf(viewer)
}
