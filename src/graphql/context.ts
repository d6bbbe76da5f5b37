import type { Viewer } from '../access/policy.ts'
import type { Deps } from '../deps.ts'

/** What resolvers get: made once an operation, whichever way it came in. */
export type Context = {
  readonly deps: Deps
  /** Who asks. There always is one: whoever shows no valid token is turned away before anything is parsed. */
  readonly viewer: Viewer
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
  /** Ends each subscription that is open at this door; a shutdown calls them all. */
  readonly streams: Set<() => void>
  /** Stands for all subscriptions that ask the same thing with the same rights; for one operation where none is equal. */
  readonly group: object
}
