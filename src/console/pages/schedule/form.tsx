import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useDenial } from '../../hub/use-viewer.ts'
import { useFilterKey } from '../../keys/use-filter-key.ts'
import { useKeys } from '../../keys/use-keys.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { focusFirst } from '../../ui/focus-first.ts'
import { Notice } from '../../ui/notice.tsx'
import { DevicesStep } from './devices-step.tsx'
import { type Draft, emptyDraft, isUntouched } from './draft.ts'
import type { Failure } from './failure-note.tsx'
import styles from './form.module.css'
import { NamingStep } from './naming-step.tsx'
import { OperationStep } from './operation-step.tsx'
import { PaceStep } from './pace-step.tsx'
import { type Problems, placeRefusal, problemsLeft } from './problems.ts'
import { type Expectation, type JobRequest, readRequest, shortestConnectTimeout } from './request.ts'
import { ReviewStep } from './review-step.tsx'
import { saveDraft, savedDraft } from './saved-draft.ts'
import { SummaryPanel } from './summary-panel.tsx'
import { useMatching } from './use-matching.ts'
import { subjectOf, useReview } from './use-review.ts'
import { useSchedule } from './use-schedule.ts'
import { WhenStep } from './when-step.tsx'

/** The whole form: its steps and the review. `notice` is shown above it. */
export function ScheduleForm({ notice }: { readonly notice: string | undefined }) {
  const announce = useAnnounce()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(savedDraft)
  const [cleared, setCleared] = useState<Draft>()
  const [isNoted, setNoted] = useState(notice !== undefined)
  const [found, setFound] = useState<{ readonly problems: Problems; readonly draft: Draft }>(noProblems)
  const problems = problemsLeft(found.problems, found.draft, draft)
  const [failure, setFailure] = useState<Failure>()
  const [isEditingCondition, setEditingCondition] = useState(false)
  const matching = useMatching(draft.condition, isEditingCondition)
  const { review, ask, drop } = useReview()
  const { isScheduling, schedule } = useSchedule()
  /** Why nothing may be sent. Buttons, keys and what they call all go by this. */
  const denied = useDenial()('WRITE_JOBS')
  /** The connection timeout to return to when the job is to wait for devices again. */
  const timeoutBefore = useRef(emptyDraft.connectTimeout)
  const form = useFilterKey<HTMLFormElement>()
  useKeys({}, ['review'])
  const reviewSection = useRef<HTMLElement>(null)

  useEffect(() => saveDraft(draft), [draft])

  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }))
  }, [])

  const read = readRequest(draft)
  const request = 'request' in read ? read.request : undefined
  const isPresent = request !== undefined && review.is !== 'none' && review.of === subjectOf(request)

  const point = (problems: Problems, reviewed = draft): void => {
    setFound({ problems, draft: reviewed })
    focusFirst(form.current, problems)
  }

  const startReview = async (reviewed = draft): Promise<void> => {
    if (denied !== undefined) {
      announce(denied)
      return
    }
    setFailure(undefined)
    const reading = readRequest(reviewed)
    if ('problems' in reading) {
      drop()
      point(reading.problems, reviewed)
      return
    }
    setFound(noProblems)
    reviewSection.current?.focus({ preventScroll: true })
    const refusal = await ask(reading.request)
    if (refusal === undefined) return
    const place = placeRefusal(refusal)
    if (place === undefined) setFailure({ is: 'refused', error: refusal })
    else point({ [place.field]: place.message }, reviewed)
  }

  // A new result is scrolled into view and announced.
  useEffect(() => {
    if (review.is === 'shown' || review.is === 'unavailable') reviewSection.current?.scrollIntoView({ block: 'start' })
    if (review.is === 'unavailable') announce(`Preview unavailable. ${review.why}`)
    if (review.is === 'shown') announce('Review ready.')
  }, [review, announce])

  const confirm = async (confirmed: JobRequest, expect: Expectation | undefined): Promise<void> => {
    if (denied !== undefined) return
    setFailure(undefined)
    const outcome = await schedule(confirmed, expect)
    if (outcome.is === 'scheduled') {
      saveDraft(emptyDraft)
      announce(`Job ${outcome.jobId} scheduled.`)
      await navigate(`/jobs/${encodeURIComponent(outcome.jobId)}`)
      return
    }
    const place = outcome.is === 'refused' ? placeRefusal(outcome.error) : undefined
    if (place === undefined) setFailure(outcome)
    else point({ [place.field]: place.message })
  }

  const onKeyDownCapture = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    // Before the editor sees it, which would insert a line.
    event.preventDefault()
    event.stopPropagation()
    void startReview()
  }

  return (
    <Page
      title="Schedule a job"
      actions={
        cleared !== undefined && isUntouched(draft) ? (
          <Button
            kind="quiet"
            onClick={() => {
              setDraft(cleared)
              setCleared(undefined)
            }}
          >
            Restore draft
          </Button>
        ) : (
          !isUntouched(draft) && (
            <Button
              kind="quiet"
              onClick={() => {
                setCleared(draft)
                setNoted(false)
                setDraft(emptyDraft)
                setFound(noProblems)
                setFailure(undefined)
                drop()
              }}
            >
              Start over
            </Button>
          )
        )
      }
    >
      {isNoted && (
        <Notice>
          <p>{notice}</p>
        </Notice>
      )}
      <form
        ref={form}
        className={styles.columns}
        noValidate
        onKeyDownCapture={onKeyDownCapture}
        onSubmit={(event) => {
          event.preventDefault()
          void startReview()
        }}
      >
        <div className={styles.steps}>
          <DevicesStep
            draft={draft}
            problems={problems}
            change={change}
            matching={matching}
            onEditing={setEditingCondition}
          />
          <OperationStep draft={draft} problems={problems} change={change} />
          <WhenStep draft={draft} problems={problems} change={change} />
          <PaceStep draft={draft} problems={problems} change={change} />
          <NamingStep draft={draft} problems={problems} change={change} />
          <ReviewStep
            ref={reviewSection}
            request={request}
            review={review}
            isPresent={isPresent}
            failure={failure}
            denied={denied}
            isScheduling={isScheduling}
            onReview={() => void startReview()}
            onSchedule={(expect) => {
              if (request !== undefined) void confirm(request, expect)
            }}
            onWait={(waits) => {
              if (!waits) timeoutBefore.current = draft.connectTimeout
              const connectTimeout = waits ? timeoutBefore.current : String(shortestConnectTimeout)
              change({ connectTimeout })
              void startReview({ ...draft, connectTimeout })
            }}
          />
        </div>
        <div className={styles.side}>
          <SummaryPanel draft={draft} matching={matching} denied={denied} onReview={() => void startReview()} />
        </div>
      </form>
    </Page>
  )
}

const noProblems = { problems: {}, draft: emptyDraft }
