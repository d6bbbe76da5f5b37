import { InvalidInputError } from '../errors.ts'
import type { JobRollout } from './rollout.ts'

/**
 * When a job selects its devices: at its start, at its creation, or at its start and from then on, whenever a device starts to
 * meet its condition.
 */
export type JobTargets = 'atStart' | 'atCreation' | 'continuous'

/** `undefined` and `null` mean "left out". InvalidInputError. */
export function checkTargets(value: unknown): JobTargets {
  if (value === undefined || value === null || value === 'atStart') return 'atStart'
  if (value === 'atCreation' || value === 'continuous') return value
  throw new InvalidInputError(['targets'], 'targets must be AT_START, AT_CREATION or CONTINUOUS.')
}

/** What a continuous job cannot have, because its devices are not known at its start. InvalidInputError. */
export function refuseWithContinuous(
  targets: JobTargets,
  rollout: Pick<JobRollout, 'waves' | 'window'> | null,
  connectTimeoutInSeconds = 0,
): void {
  if (targets !== 'continuous') return
  if (rollout?.waves !== undefined) {
    throw new InvalidInputError(
      ['rollout', 'waves'],
      'A continuous job has no waves, because its devices are not known at its start.',
    )
  }
  if (rollout?.window?.timeZoneFrom !== undefined) {
    throw new InvalidInputError(
      ['rollout', 'window', 'timeZoneFrom'],
      'The window of a continuous job is in one time zone, because the zones of its devices are frozen at its start. Give timeZone only.',
    )
  }
  if (connectTimeoutInSeconds > 0) {
    throw new InvalidInputError(
      ['cloudToDeviceMethod', 'connectTimeoutInSeconds'],
      'A continuous job waits for its devices until its deadline, because they join at different times. Omit connectTimeoutInSeconds.',
    )
  }
}
