import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { callOfRequestId } from '../job/request-id.ts'
import type { Settlement } from '../job/store/facts.ts'
import type { MethodAnswer } from '../method/answer.ts'
import type { Span } from '../tracing.ts'
import type { InFlightCalls } from './in-flight-calls.ts'
import { createJobByJob } from './job-by-job.ts'
import { settleBatch } from './settle-batch.ts'

/** Outcomes per transaction, and the milliseconds for which answers are collected. Measured: 1,000 is best. */
const batchSize = 1_000
const batchWait = 5
/** Transactions at a time: while PostgreSQL commits one, it already has the next. */
const batchesAtOnce = 2
/** Milliseconds after which the outcomes of a job that could not be written are tried again, unless the job rests for longer. */
const retryPause = 1_000

/** Collects the answers of devices and writes them as outcomes, one transaction per batch. */
export type SettleDeviceJobs = {
  /** False when the answer does not belong to a job's call. */
  take(answer: MethodAnswer): boolean
  /** Writes the collected answers, then stops. */
  close(): Promise<void>
}

type Answered = Settlement & { readonly requestId: string }

/** The span ends when the outcome is written, so the answer is an event of it. */
function noteAnswer(span: Span | undefined, response: MethodAnswer['response']): void {
  span?.addEvent('answer')
  if ('status' in response) span?.setAttribute('twincast.response.status', response.status)
}

export function settleDeviceJobs(
  deps: Deps,
  { requestKey, window }: { readonly requestKey: string; readonly window: InFlightCalls },
): SettleDeviceJobs {
  /**
   * Answers that are being collected or written: the first to a call counts, although a later batch may commit earlier.
   */
  const answered = new Set<string>()
  const jobs = createJobByJob(deps, 'settle-device-jobs')
  /** The answers for jobs whose outcomes cannot be written: they are out of the way of the others. */
  const unwritten = new Set<Answered>()
  const closing = new AbortController()

  const writeLater = async (answers: readonly Answered[]): Promise<void> => {
    for (const answer of answers) unwritten.add(answer)
    await deps.clock.sleep(retryPause, closing.signal)
    if (closing.signal.aborted) return
    for (const answer of answers) {
      unwritten.delete(answer)
      batch.add(answer)
    }
  }
  const write = async (answers: readonly Answered[]): Promise<void> => {
    const left = await settleBatch(deps, jobs, answers, { from: 'running', now: deps.clock.now() })
    if (left.length > 0) void writeLater(left)
    const isLeft = new Set(left)
    for (const answer of answers) {
      if (isLeft.has(answer)) continue
      answered.delete(answer.requestId)
      window.remove(answer.requestId)
    }
  }
  const batch = createBatch<Answered>({
    clock: deps.clock,
    size: batchSize,
    writes: batchesAtOnce,
    wait: batchWait,
    flush: write,
    onError: (error) => deps.log.error({ err: error }, 'outcomes could not be written; retrying'),
  })
  deps.metrics?.read('twincast_queue_length', () => [{ labels: { queue: 'outcomes' }, value: answered.size }])
  return {
    take({ deviceId, requestId, response }) {
      // A call of this process needs no proof. A call of its last run, or of another instance, carries it in its id.
      const call = window.callOf(requestId, deviceId) ?? callOfRequestId(requestKey, requestId, deviceId)
      if (call === undefined) return false
      const { jobId, attempt } = call
      if (answered.has(requestId)) return true
      answered.add(requestId)
      if (deps.tracing !== undefined) noteAnswer(window.spanOf(requestId), response)
      batch.add(
        'problem' in response
          ? { jobId, deviceId, attempt, requestId, error: { code: 'BadDeviceResponse', description: response.problem } }
          : { jobId, deviceId, attempt, requestId, response },
      )
      return true
    },
    close() {
      closing.abort()
      for (const answer of unwritten) batch.add(answer)
      return batch.close()
    },
  }
}
