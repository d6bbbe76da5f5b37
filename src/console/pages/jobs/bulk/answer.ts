import type { CombinedError } from 'urql'
import { describeError } from '../../../ui/describe-error.ts'
import type { DomainFailure } from '../../../ui/domain-error.tsx'
import type { Answer } from './run-each.ts'

/** What the error of a mutation means for its job. */
export function answerOf(failure: DomainFailure | undefined, error: CombinedError | undefined): Answer {
  if (failure?.__typename === 'LimitExceededError') {
    return { kind: 'later', seconds: failure.retryAfterSeconds ?? 1, message: failure.message }
  }
  if (failure !== undefined) return { kind: 'refused', message: failure.message }
  if (error?.networkError !== undefined) return { kind: 'unknown', message: 'The hub did not answer.' }
  return { kind: 'refused', message: error === undefined ? 'The hub gave no reason.' : describeError(error).message }
}
