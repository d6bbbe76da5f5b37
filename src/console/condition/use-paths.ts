import { useCallback, useEffect, useRef } from 'react'
import { useClient } from 'urql'
import type { KnownPath } from './completion-options.ts'
import { ConditionPathsDocument } from './documents.ts'

/** Paths that are asked for at once, and rows of the answer for a prefix. */
const most = 500

/**
 * A function that gives the paths that exist in the fleet: the most frequent ones and, where there are more, those that
 * start with what was typed. Empty when the hub cannot be reached or refuses: completion then offers keywords only.
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
          // A query that failed is sent again.
          if (!data) asked.current.delete(prefix)
          return data?.twinPaths ?? []
        })
      asked.current.set(prefix, answer)
      return answer
    },
    [client],
  )
  // Before anything is typed.
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
