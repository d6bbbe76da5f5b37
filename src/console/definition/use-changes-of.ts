import { useEffect, useRef, useState } from 'react'
import type { DefinitionKind } from '../../generated/console/graphql.ts'
import { createRollCall } from '../hub/roll-call.ts'
import { useLiveEvents } from '../hub/use-subscription.ts'
import { DefinitionChangesDocument } from './documents.ts'

/**
 * Calls `reread` when the definition with this global ID has changed, or may have before it was followed. Returns whether it was
 * deleted. Undefined while the definition is not known.
 */
export function useChangesOf(kind: DefinitionKind, id: string | undefined, reread: () => void): boolean {
  const [callRoll] = useState(createRollCall)
  const [deleted, setDeleted] = useState<string>()
  const latest = useRef(reread)
  useEffect(() => {
    latest.current = reread
  })
  useLiveEvents(
    DefinitionChangesDocument,
    { kind },
    (events) => {
      if (id === undefined) return
      for (const { definitionChanged } of events) {
        const { definitions, deletedIds, initial } = definitionChanged
        const ids = definitions.map((definition) => definition.id)
        if (callRoll([id], { initial, ids, deleted: deletedIds }).includes(id)) setDeleted(id)
        else if (ids.includes(id)) {
          setDeleted(undefined)
          latest.current()
        }
      }
    },
    { pause: id === undefined },
  )
  return id !== undefined && deleted === id
}
