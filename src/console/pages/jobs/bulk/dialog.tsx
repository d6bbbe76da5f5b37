import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { formatCount } from '../../../format.ts'
import { useDenial } from '../../../hub/use-viewer.ts'
import { Button } from '../../../ui/button.tsx'
import { CancelButton, Dialog } from '../../../ui/dialog.tsx'
import { Notice } from '../../../ui/notice.tsx'
import styles from './dialog.module.css'
import type { Planned } from './plan.ts'
import type { Answer, Step } from './run-each.ts'
import { useRun } from './use-run.ts'

/** How an action is named in its dialog. */
type Words = {
  /** `Cancel`. */
  readonly verb: string
  /** `cancelled`. */
  readonly done: string
  readonly kind: 'primary' | 'danger'
}

/**
 * Does the same with several jobs: says before which of them it leaves out and why, then shows how each ended. Closing it
 * while requests are left stops it first.
 */
export function BulkDialog({
  words: { verb, done, kind },
  planned,
  act,
  isEdited,
  onClose,
  children,
}: {
  readonly words: Words
  readonly planned: readonly Planned[]
  readonly act: (jobId: string) => Promise<Answer>
  readonly isEdited: boolean
  readonly onClose: () => void
  /** What can be set before the start. */
  readonly children: ReactNode
}) {
  const denial = useDenial()
  const { run, start, stop } = useRun()
  const able = planned.filter(({ denied }) => denied === undefined).map(({ jobId }) => jobId)
  const isRunning = run !== undefined && !run.isOver
  const steps = run === undefined ? [] : [...run.steps.values()]
  const count = (step: Step['kind']): number => steps.filter((one) => one.kind === step).length
  const ended = steps.length - count('waiting') - count('sending')
  return (
    <Dialog
      title={`${verb} ${countJobs(run?.steps.size ?? able.length)}`}
      isEdited={isEdited && run === undefined}
      onClose={isRunning ? stop : onClose}
      actions={
        run === undefined ? (
          <>
            <CancelButton>Close</CancelButton>
            <Button
              kind={kind}
              denied={able.length === 0 ? 'It can be done with none of the selected jobs.' : denial('WRITE_JOBS')}
              onClick={() => void start(able, act)}
            >
              {verb} {countJobs(able.length)}
            </Button>
          </>
        ) : isRunning ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        )
      }
    >
      {run === undefined ? (
        <>
          {able.length < planned.length && (
            <Notice kind="warning">
              {formatCount(able.length)} of {formatCount(planned.length)} selected jobs can be {done}.
            </Notice>
          )}
          {children}
        </>
      ) : (
        <>
          <progress aria-label="Progress" value={ended} max={steps.length} />
          <p role="status">
            {[
              `${formatCount(count('done'))} of ${countJobs(steps.length)} ${done}`,
              ...nonZero(count('refused'), 'refused'),
              ...nonZero(count('unknown'), 'without an answer'),
              ...nonZero(count('unsent'), 'not sent'),
            ].join(', ')}
            .
          </p>
        </>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <section className={styles.list} aria-label="Jobs" tabIndex={0}>
        <ul>
          {planned.map((job) => (
            <li key={job.jobId}>
              <code className={styles.id}>{job.jobId}</code>
              <span className={styles.step}>{describe(job, run?.steps.get(job.jobId), done)}</span>
            </li>
          ))}
        </ul>
      </section>
    </Dialog>
  )
}

function describe({ denied }: Planned, step: Step | undefined, done: string): ReactNode {
  if (step === undefined) return denied === undefined ? '' : `Left out. ${denied}`
  switch (step.kind) {
    case 'waiting':
      return 'Waiting'
    case 'sending':
      return 'Sending…'
    case 'unsent':
      return 'Not sent'
    case 'refused':
      return `Refused. ${step.message}`
    case 'unknown':
      return `${step.message} Whether it was ${done} is unknown.`
    case 'done':
      return step.newJobId === undefined ? (
        capitalized(done)
      ) : (
        <>
          {capitalized(done)} as <Link to={`/jobs/${encodeURIComponent(step.newJobId)}`}>{step.newJobId}</Link>
        </>
      )
  }
}

function nonZero(count: number, words: string): readonly string[] {
  return count === 0 ? [] : [`${formatCount(count)} ${words}`]
}

function countJobs(count: number): string {
  return count === 1 ? '1 job' : `${formatCount(count)} jobs`
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
