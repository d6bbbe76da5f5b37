import { InvalidInputError } from '../errors.ts'

/** When a job selects its devices: at its start, or at its creation. */
export type JobTargets = 'atStart' | 'atCreation'

/** `undefined` and `null` mean "left out". InvalidInputError. */
export function checkTargets(value: unknown): JobTargets {
  if (value === undefined || value === null || value === 'atStart') return 'atStart'
  if (value === 'atCreation') return value
  throw new InvalidInputError(['targets'], 'targets must be AT_START or AT_CREATION.')
}
