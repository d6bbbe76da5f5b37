import { createContext, use, useEffect } from 'react'

/** The ids of the rows in view or close to it. The table renders no others. */
export type Sight = {
  has(id: string): boolean
  add(id: string): void
  delete(id: string): void
}

/** Creates an empty set of rows in view. `onSeen` is called when a row comes into view. */
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

/** The rows in view of the surrounding table. */
export const SightContext = createContext<Sight | undefined>(undefined)

/** Marks the row with this id as in view while the component is mounted. */
export function useInSight(id: string): void {
  const sight = use(SightContext)
  useEffect(() => {
    sight?.add(id)
    return () => sight?.delete(id)
  }, [sight, id])
}
