import type { JobTargets } from '../generated/console/graphql.ts'

/** When a job can select its devices. */
export const jobTargets = ['AT_START', 'AT_CREATION', 'CONTINUOUS'] as const satisfies readonly JobTargets[]

/** When a job selects its devices, as a sentence. */
export function describeTargets(targets: JobTargets): string {
  switch (targets) {
    case 'AT_START':
      return 'Selected when the job starts.'
    case 'AT_CREATION':
      return 'Selected when the job is created, whenever it starts.'
    case 'CONTINUOUS':
      return 'Continuous: devices that start to match join the job until its deadline.'
    default:
      return String(targets)
  }
}
