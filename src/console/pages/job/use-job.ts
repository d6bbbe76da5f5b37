import { useCallback, useEffect, useRef, useState } from 'react'
import { type CombinedError, useClient, useQuery } from 'urql'
import type {
  JobAroundFragment,
  JobAsScheduledFragment,
  JobNowFragment,
  WaveNowFragment,
} from '../../../generated/console/graphql.ts'
import { usePulse } from '../../hub/use-pulse.ts'
import { useRetryWhenBack } from '../../hub/use-retry-when-back.ts'
import { type LiveError, useLiveEvents } from '../../hub/use-subscription.ts'
import { newerOf } from '../../newer-job.ts'
import { JobPageDocument, JobProgressDocument, JobPulseDocument } from './documents.ts'

/** The latest known state of a job. */
export type KnownJob = {
  readonly job: JobAsScheduledFragment
  readonly now: JobNowFragment
  /** Empty for a job without waves, and for one whose waves the hub does not show to this viewer. */
  readonly waves: readonly WaveNowFragment[]
  readonly around: JobAroundFragment
  /** Why it is no longer followed. */
  readonly liveError: LiveError | undefined
  readonly follow: () => void
  /** Reads the data that no event reports, after a change made on this page. */
  readonly refresh: () => void
}

/** A state of the job. The waves are missing where they were not selected, because the job has none. */
type Reported = JobNowFragment & { readonly waves?: readonly WaveNowFragment[] | null }

/** What the page can show of its job. */
export type JobState =
  | { readonly is: 'loading' }
  | { readonly is: 'unknown' }
  | { readonly is: 'failed'; readonly error: CombinedError; readonly retry: () => void }
  | ({ readonly is: 'known' } & KnownJob)

/** Milliseconds between queries for data that changes without an event, such as the place in the queue. */
const pulse = 5_000

/** Follows a job: its definition, its state, its history and its retries. Key the component by the job's ID. */
export function useJob(jobId: string): JobState {
  const client = useClient()
  const [{ data, error, fetching }, ask] = useQuery({ query: JobPageDocument, variables: { jobId } })
  const [now, setNow] = useState<Reported>()
  const [around, setAround] = useState<JobAroundFragment>()
  const job = data?.job
  const hasWaves = (job?.waves ?? []).length > 0

  const accept = useCallback((reported: Reported) => setNow((known) => newerOf(known, reported)), [])
  useEffect(() => {
    if (!job) return
    accept(job)
    setAround(job)
  }, [job, accept])

  const live = useLiveEvents(
    JobProgressDocument,
    { jobId, hasWaves },
    (events) => {
      for (const { deviceJobStatistics } of events) {
        accept(deviceJobStatistics.job)
      }
    },
    {
      pause: !job,
      resume: ({ deviceJobStatistics }, variables) => ({ ...variables, after: deviceJobStatistics.version }),
    },
  )

  const refresh = useCallback(() => {
    void client
      .query(JobPulseDocument, { jobId, hasWaves }, { requestPolicy: 'network-only' })
      .toPromise()
      .then((answer) => {
        if (!answer.data?.job) return
        accept(answer.data.job)
        setAround(answer.data.job)
      })
  }, [client, jobId, hasWaves, accept])

  // Each transition of the job or of a wave adds an event to its history.
  const step = now && [now.status, now.endTime, ...(now.waves ?? []).map(({ status }) => status)].join()
  const seen = useRef(step)
  useEffect(() => {
    if (seen.current !== undefined && seen.current !== step) refresh()
    seen.current = step
  }, [step, refresh])

  const isOpen = now?.endTime === null || (around?.family.jobs?.some(({ endTime }) => endTime === null) ?? false)
  usePulse(pulse, isOpen, refresh)

  const retry = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask])
  useRetryWhenBack(job ? undefined : error, retry)

  if (job && now !== undefined && around !== undefined) {
    const waves = now.waves ?? []
    return { is: 'known', job, now, waves, around, liveError: live.error, follow: live.retry, refresh }
  }
  if (error !== undefined && !job) {
    return { is: 'failed', error, retry }
  }
  return data !== undefined && !fetching && !job ? { is: 'unknown' } : { is: 'loading' }
}
