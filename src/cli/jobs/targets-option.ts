import { Option } from '@commander-js/extra-typings'
import type { JobTargets } from '../../generated/commands/graphql.ts'

/** When a job can select its devices. */
export const jobTargets = ['AT_START', 'AT_CREATION', 'CONTINUOUS'] as const satisfies readonly JobTargets[]

/** When a new job selects its devices. */
export const targets = () =>
  new Option('--targets <WHEN>', 'when the job selects its devices; AT_START if omitted').choices(jobTargets)
