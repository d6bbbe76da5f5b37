import { InvalidInputError } from '../errors.ts'

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
  { hasWaves, connectTimeoutInSeconds }: { readonly hasWaves: boolean; readonly connectTimeoutInSeconds: number },
): void {
  if (targets !== 'continuous') return
  if (hasWaves) {
    throw new InvalidInputError(
      ['rollout', 'waves'],
      'A continuous job has no waves, because its devices are not known at its start.',
    )
  }
  if (connectTimeoutInSeconds > 0) {
    throw new InvalidInputError(
      ['cloudToDeviceMethod', 'connectTimeoutInSeconds'],
      'A continuous job waits for its devices until its deadline, because they join at different times. Omit connectTimeoutInSeconds.',
    )
  }
}
