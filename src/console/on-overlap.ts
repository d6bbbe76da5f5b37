import type { JobOverlapPolicy } from '../generated/console/graphql.ts'

/** What a job can do when other jobs have some of its devices. */
export const overlapPolicies = ['PARALLEL', 'QUEUE', 'REFUSE'] as const satisfies readonly JobOverlapPolicy[]

/** What a job does when other jobs have some of its devices, as a sentence. */
export function describeOnOverlap(onOverlap: JobOverlapPolicy): string {
  switch (onOverlap) {
    case 'PARALLEL':
      return 'The job starts even if other jobs have some of its devices.'
    case 'QUEUE':
      return 'The job waits while other jobs have some of its devices.'
    case 'REFUSE':
      return 'The job is refused if other jobs have some of its devices.'
    default:
      return String(onOverlap)
  }
}
