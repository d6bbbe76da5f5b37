import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import { formatCount } from '../../format.ts'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import styles from './failure-note.module.css'

/** Why scheduling failed. */
export type Failure =
  | { readonly is: 'refused'; readonly error: DomainFailure }
  /** The devices are others than those that were reviewed. */
  | { readonly is: 'drifted'; readonly deviceCount: number }
  /** No answer came: nobody knows what the hub did. */
  | { readonly is: 'unknown'; readonly message: string }

/** Says so, and takes the focus: the button that was pressed may be gone. `before`: how many devices there were in the review. */
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
            Nobody knows whether the job was scheduled. <Link to="/jobs">Look at the jobs</Link> before you try again.
          </p>
        </DomainError>
      )
    case 'drifted': {
      const now = formatCount(failure.deviceCount)
      const message = 'Nothing was scheduled: the devices have changed since the review.'
      return (
        <DomainError error={{ __typename: 'Drifted', message }}>
          <p>
            {before === undefined || before === failure.deviceCount
              ? `There are ${now} now, but not the same ones. Review the job again.`
              : `They were ${formatCount(before)} and are ${now} now. Review the job again.`}
          </p>
        </DomainError>
      )
    }
  }
}
