import { createContext, use, useEffect } from 'react'

/** The ids of the rows that are on the screen, or next to it: the table holds no others. */
export type Sight = {
  has(id: string): boolean
  add(id: string): void
  delete(id: string): void
}

/** Creates an empty set of them. `onSeen` is called when a row comes into view. */
export function createSight(onSeen: () => void): Sight {
  const ids = new Set<string>()
  return {
    has: (id) => ids.has(id),
    delete: (id) => void ids.delete(id),
    add(id) {
      ids.add(id)
      onSeen()
    },
  }
}

/** Of the table around. */
export const SightContext = createContext<Sight | undefined>(undefined)

/** Marks the row with this id as in view while the component is mounted. */
export function useInSight(id: string): void {
  const sight = use(SightContext)
  useEffect(() => {
    sight?.add(id)
    return () => sight?.delete(id)
  }, [sight, id])
}
