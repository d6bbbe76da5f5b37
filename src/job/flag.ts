import { InvalidInputError } from '../errors.ts'

/** A switch that a client gives. InvalidInputError. */
export function checkFlag(value: unknown, path: readonly string[]): boolean {
  if (typeof value === 'boolean') return value
  throw new InvalidInputError(path, `${path.at(-1)} must be true or false.`)
}
