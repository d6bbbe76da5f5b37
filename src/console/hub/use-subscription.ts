import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { useEffect, useRef, useState } from 'react'
import { stringifyDocument } from 'urql'
import { useSession } from './use-session.ts'

/** A subscription that a component follows. */
export type Live<Data> = {
  /** The latest event; kept while the connection is lost. Undefined before the first. */
  readonly data: Data | undefined
  /** Why it ended if the hub refused or aborted it: a sentence for people, and a code for programs. */
  readonly error: LiveError | undefined
  /** Whether the hub has said that nothing more comes. */
  readonly ended: boolean
  /** Subscribes anew, after an error. */
  readonly retry: () => void
}

/** `code` is that of the GraphQL error, such as NOT_FOUND. */
export type LiveError = { readonly message: string; readonly code: string }

type Options<Data, Variables> = {
  /** Does not subscribe for now. */
  readonly pause?: boolean
  /** What to subscribe with when the connection was lost after this event: for subscriptions with a cursor. */
  readonly resume?: (data: Data, variables: Variables) => Variables
  /**
   * Called after the first event on each connection: from then on the hub reports every change. What was read before,
   * and is not among the first events, may be old.
   */
  readonly onFollowing?: () => void
}

/** Minimum milliseconds between the renderings that events cause. */
const pace = 50

/** Follows a subscription and shows its latest event. For subscriptions whose every event is the whole present state. */
export function useLive<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  options: Options<Data, Variables> = {},
): Live<Data> {
  const [data, setData] = useState<{ readonly of: string; readonly data: Data }>()
  const of = JSON.stringify(variables)
  const rest = useLiveEvents(
    document,
    variables,
    (events) => {
      const last = events.at(-1)
      if (last !== undefined) setData({ of, data: last })
    },
    options,
  )
  // Data for other variables is not shown.
  return { ...rest, data: data?.of === of ? data.data : undefined }
}

/**
 * Follows a subscription and hands over every event, in batches: at most 20 a second, so that a fast job does not
 * cause more renderings than can be seen. `variables` are compared by value.
 */
export function useLiveEvents<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onEvents: (events: readonly Data[]) => void,
  { pause = false, resume, onFollowing }: Options<Data, Variables> = {},
): Omit<Live<Data>, 'data'> {
  const { socket } = useSession()
  const [attempt, setAttempt] = useState(0)
  const [end, setEnd] = useState<{ readonly of: string; readonly error?: LiveError }>()
  const json = JSON.stringify(variables)
  const of = `${json} ${attempt}`
  const latest = useRef({ onEvents, resume, onFollowing })
  useEffect(() => {
    latest.current = { onEvents, resume, onFollowing }
  })

  useEffect(() => {
    if (pause) return
    let current: Variables = JSON.parse(json)
    let batch: Data[] = []
    let timer = 0
    let left = false
    let isFollowing = false
    const unwatch = socket.connection.subscribe(() => {
      if (socket.connection.get() !== 'live') isFollowing = false
    })
    const flush = (): void => {
      timer = 0
      const events = batch
      batch = []
      if (events.length > 0) latest.current.onEvents(events)
    }
    const unsubscribe = socket.subscribe<Data>(
      {
        query: stringifyDocument(document),
        // graphql-ws reads this each time it subscribes. After a lost connection, the subscription resumes where it was.
        get variables() {
          return current
        },
      },
      {
        next({ data, errors }) {
          if (data === null || data === undefined) {
            const [error] = errors ?? []
            if (error !== undefined) setEnd({ of, error: liveError(error) })
            return
          }
          // An error in spite of data concerns a part that is null in this event. The next one may have it again.
          if (latest.current.resume) current = latest.current.resume(data, current)
          batch.push(data)
          if (timer === 0) timer = window.setTimeout(flush, pace)
          if (isFollowing) return
          isFollowing = true
          latest.current.onFollowing?.()
        },
        error(reason) {
          if (left) return
          flush()
          setEnd({ of, error: liveError(Array.isArray(reason) ? reason[0] : reason) })
        },
        complete() {
          // Unsubscribing completes, too: what is still here belongs to what was followed before.
          if (left) return
          flush()
          setEnd((known) => (known?.of === of ? known : { of }))
        },
      },
    )
    return () => {
      left = true
      window.clearTimeout(timer)
      unwatch()
      unsubscribe()
    }
  }, [socket, document, json, of, pause])

  const known = end?.of === of ? end : undefined
  return {
    error: known?.error,
    ended: known !== undefined && known.error === undefined,
    retry: () => setAttempt(attempt + 1),
  }
}

function liveError(reason: unknown): LiveError {
  if (typeof reason === 'object' && reason !== null && 'message' in reason) {
    const extensions = 'extensions' in reason ? reason.extensions : undefined
    const code = typeof extensions === 'object' && extensions !== null && 'code' in extensions ? extensions.code : ''
    return { message: String(reason.message), code: String(code) }
  }
  return { message: 'The hub closed the live connection.', code: 'CLOSED' }
}
