import type { AuditOutcome } from '../../../generated/console/graphql.ts'
import type { Shown } from '../../ui/status.ts'

/** The badge of how an operation ended. A value that a newer hub has added is shown by its name. */
export function showOutcome(outcome: AuditOutcome): Shown {
  switch (outcome) {
    case 'SUCCEEDED':
      return { tone: 'succeeded', icon: 'succeeded', word: 'Succeeded' }
    case 'REFUSED':
      return { tone: 'refused', icon: 'refused', word: 'Refused' }
    case 'DENIED':
      return { tone: 'failed', icon: 'cancelled', word: 'Denied' }
    case 'FAILED':
      return { tone: 'failed', icon: 'failed', word: 'Failed' }
    default:
      return { tone: 'pending', icon: 'pending', word: outcome }
  }
}
