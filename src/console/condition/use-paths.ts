import { useCallback, useEffect, useRef } from 'react'
import { useClient } from 'urql'
import type { KnownPath } from './completion-options.ts'
import { ConditionPathsDocument } from './documents.ts'

/** The maximum number of paths per request. */
const most = 500

/**
 * A function that returns the paths that exist in the fleet: the most frequent ones and, if there are more, those that
 * start with the typed text. The list is empty when the hub is unreachable or refuses; completion then offers only
 * keywords.
 */
export function usePaths(): (typed: string) => Promise<readonly KnownPath[]> {
  const client = useClient()
  const asked = useRef(new Map<string, Promise<readonly KnownPath[]>>())
  const ask = useCallback(
    (prefix: string): Promise<readonly KnownPath[]> => {
      const before = asked.current.get(prefix)
      if (before !== undefined) return before
      const answer = client
        .query(ConditionPathsDocument, { prefix, first: most }, { requestPolicy: 'network-only' })
        .toPromise()
        .then(({ data }) => {
          // A failed query is sent again.
          if (!data?.twinPaths) asked.current.delete(prefix)
          return data?.twinPaths ?? []
        })
      asked.current.set(prefix, answer)
      return answer
    },
    [client],
  )
  // Reads the paths before the user types.
  useEffect(() => void ask(''), [ask])

  return useCallback(
    async (typed) => {
      const frequent = await ask('')
      if (frequent.length < most || !typed.includes('.')) return frequent
      const known = new Set(frequent.map(({ path }) => path))
      const beginning = await ask(typed.slice(0, typed.lastIndexOf('.') + 1))
      return [...frequent, ...beginning.filter(({ path }) => !known.has(path))]
    },
    [ask],
  )
}
