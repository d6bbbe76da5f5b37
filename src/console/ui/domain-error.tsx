import type { ReactNode } from 'react'
import { Notice } from './notice.tsx'

/** A member of a result union that is no payload: what its fragment `... on Error { __typename code message }` gives, and more. */
export type DomainFailure = {
  readonly __typename: string
  readonly message: string
  readonly path?: readonly string[]
  readonly retryAfterSeconds?: number
}

/** Why the hub refused, where, and what to do about it; read aloud when it appears. */
export function DomainError({ error, children }: { readonly error: DomainFailure; readonly children?: ReactNode }) {
  return (
    <Notice kind="failure">
      <p>
        {error.path !== undefined && error.path.length > 0 && <code>{error.path.join('.')}: </code>}
        {error.message}
      </p>
      {adviceOf(error)}
      {children}
    </Notice>
  )
}

function adviceOf({ __typename, retryAfterSeconds }: DomainFailure): ReactNode {
  switch (__typename) {
    case 'LimitExceededError':
      return <p>Try again in {retryAfterSeconds ?? 'a few'} seconds.</p>
    case 'PreconditionError':
      return <p>Somebody changed it meanwhile. Look at the present state and make your change again.</p>
    default:
      return undefined
  }
}
