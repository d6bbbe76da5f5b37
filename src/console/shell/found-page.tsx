import type { ReactNode } from 'react'
import type { CombinedError } from 'urql'
import { useRetryWhenBack } from '../hub/use-retry-when-back.ts'
import { ButtonLink } from '../ui/button.tsx'
import { describeError } from '../ui/describe-error.ts'
import { EmptyState, ErrorState, LoadingState } from '../ui/states.tsx'
import { Page } from './page.tsx'

/** The page of one thing that is read by its name: shows it once it is there, and otherwise why it is not. */
export function FoundPage<Thing>({
  noun,
  list,
  thing,
  error,
  fetching,
  onRetry,
  children,
}: {
  /** What it is, such as `webhook`. */
  readonly noun: string
  /** The list to go back to, with its name in a sentence. */
  readonly list: { readonly to: string; readonly name: string }
  /** Null when it does not exist. */
  readonly thing: Thing | null | undefined
  readonly error: CombinedError | undefined
  readonly fetching: boolean
  readonly onRetry: () => void
  readonly children: (thing: Thing) => ReactNode
}) {
  useRetryWhenBack(error, onRetry)
  if (thing) return children(thing)
  const title = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`
  if (error !== undefined) {
    return (
      <Page title={title}>
        <ErrorState title={`Cannot load ${noun}`} message={describeError(error).message} onRetry={onRetry} />
      </Page>
    )
  }
  if (fetching) {
    return (
      <Page title={title}>
        <LoadingState label={`Loading ${noun}`} />
      </Page>
    )
  }
  return (
    <Page title={`${title} not found`}>
      <EmptyState
        title={`There is no ${noun} with this ID`}
        action={
          <ButtonLink to={list.to} kind="primary">
            Back to {list.name}
          </ButtonLink>
        }
      >
        <p>It may have been deleted.</p>
      </EmptyState>
    </Page>
  )
}
