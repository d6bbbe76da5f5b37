import type { ReactNode } from 'react'
import type { CombinedError } from 'urql'
import { describeError } from './describe-error.ts'
import { Notice } from './notice.tsx'

/** An error of a result union, as the fragment `DomainError` selects it, or one that the page itself found. */
export type DomainFailure = {
  readonly __typename: string
  readonly message: string
  readonly path?: readonly string[]
  readonly retryAfterSeconds?: number
  /** What was not found. */
  readonly kind?: string
}

/** Why a mutation has failed: the error of its result, or that of the request. */
export function failureOf(
  result: DomainFailure | null | undefined,
  error: CombinedError | undefined,
): DomainFailure | undefined {
  if (result) return result
  return error && { __typename: 'RequestError', ...describeError(error) }
}

/** Why the hub refused, where, and what to do about it; announced when it appears. */
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
      return <p>Changed by someone else. Check the current version and make your change again.</p>
    default:
      return undefined
  }
}
