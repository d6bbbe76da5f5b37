import { useCallback, useRef, useState } from 'react'
import { useClient } from 'urql'
import type { ScheduleReviewFragment as Preview } from '../../../generated/console/graphql.ts'
import { describeError } from '../../ui/describe-error.ts'
import { ScheduleReviewDocument } from './documents.ts'
import type { Refusal } from './problems.ts'
import type { JobRequest } from './request.ts'

/** The review of a request before it is scheduled. */
export type Review =
  | { readonly is: 'none' }
  | { readonly is: 'asking'; readonly of: string }
  | { readonly is: 'shown'; readonly of: string; readonly preview: Preview }
  /** There is no preview; the job can still be scheduled. */
  | { readonly is: 'unavailable'; readonly of: string; readonly why: string }

/** Milliseconds to wait for the hub, which aims to answer within about two seconds. */
const patience = 8_000

/** Identifies what a review is about: the request without its ID, its name, its description and its labels. */
export function subjectOf({
  jobId: _jobId,
  name: _name,
  description: _description,
  labels: _labels,
  ...request
}: JobRequest): string {
  return JSON.stringify(request)
}

/**
 * The review of a request. `ask` resolves to the reason why the hub would refuse the request, or to undefined when
 * there is a review.
 */
export function useReview(): {
  readonly review: Review
  readonly ask: (request: JobRequest) => Promise<Refusal | undefined>
  readonly drop: () => void
} {
  const client = useClient()
  const [review, setReview] = useState<Review>({ is: 'none' })
  const times = useRef(0)

  const ask = useCallback(
    async (request: JobRequest): Promise<Refusal | undefined> => {
      const time = ++times.current
      const of = subjectOf(request)
      setReview({ is: 'asking', of })
      const answer = client
        .query(ScheduleReviewDocument, { input: request }, { requestPolicy: 'network-only' })
        .toPromise()
      const result = await Promise.race([answer, sleep(patience)])
      // A later review has begun, or this one was cancelled.
      if (time !== times.current) return undefined
      if (result === undefined) {
        setReview({ is: 'unavailable', of, why: 'The hub took too long to count the devices.' })
        return undefined
      }
      const found = result.data?.previewJob
      if (!found) {
        const why = result.error === undefined ? 'The hub did not answer.' : describeError(result.error).message
        setReview({ is: 'unavailable', of, why })
        return undefined
      }
      switch (found.__typename) {
        case 'JobPreview':
          setReview({ is: 'shown', of, preview: found })
          return undefined
        case 'LimitExceededError':
          setReview({ is: 'unavailable', of, why: found.message })
          return undefined
        default:
          setReview({ is: 'none' })
          return found
      }
    },
    [client],
  )
  const drop = useCallback(() => {
    times.current++
    setReview({ is: 'none' })
  }, [])
  return { review, ask, drop }
}

function sleep(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds))
}
