import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import { formatCount } from '../../format.ts'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import styles from './failure-note.module.css'

/** Why scheduling failed. */
export type Failure =
  | { readonly is: 'refused'; readonly error: DomainFailure }
  /** The matching devices are not those that were reviewed. */
  | { readonly is: 'drifted'; readonly deviceCount: number }
  /** No answer came: whether the job was scheduled is unknown. */
  | { readonly is: 'unknown'; readonly message: string }

/** Shows the failure and takes the focus: the button that was pressed may be gone. `before`: the device count of the review. */
export function FailureNote({ failure, before }: { readonly failure: Failure; readonly before: number | undefined }) {
  const note = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each failure takes it anew.
  useEffect(() => {
    note.current?.focus({ preventScroll: true })
    note.current?.scrollIntoView({ block: 'center' })
  }, [failure])
  return (
    <div ref={note} tabIndex={-1} className={styles.note}>
      <Told failure={failure} before={before} />
    </div>
  )
}

function Told({ failure, before }: { readonly failure: Failure; readonly before: number | undefined }) {
  switch (failure.is) {
    case 'refused':
      return <DomainError error={failure.error} />
    case 'unknown':
      return (
        <DomainError error={{ __typename: 'Unknown', message: failure.message }}>
          <p>
            The job may have been scheduled. <Link to="/jobs">Check the list of jobs</Link> before you try again.
          </p>
        </DomainError>
      )
    case 'drifted': {
      const now = formatCount(failure.deviceCount)
      const message = 'The job was not scheduled: the matching devices have changed since the review.'
      return (
        <DomainError error={{ __typename: 'Drifted', message }}>
          <p>
            {before === undefined || before === failure.deviceCount
              ? `${now} devices match now, but not the same ones. Refresh the review.`
              : `${formatCount(before)} devices matched then, ${now} match now. Refresh the review.`}
          </p>
        </DomainError>
      )
    }
  }
}
