import { Option } from '@commander-js/extra-typings'
import type { JobOverlapPolicy } from '../../generated/commands/graphql.ts'

/** What a job can do when others have some of its devices. */
export const overlapPolicies = ['PARALLEL', 'QUEUE', 'REFUSE'] as const satisfies readonly JobOverlapPolicy[]

/** What a new job does when others have some of its devices. */
export const onOverlap = () =>
  new Option(
    '--on-overlap <POLICY>',
    'what the job does when others have some of its devices; PARALLEL if omitted',
  ).choices(overlapPolicies)
