import { InvalidInputError } from '../../src/errors.ts'

/** Where and why a check refuses its input. */
export function refusal(check: () => unknown): { path: string; message: string } {
  try {
    check()
  } catch (error) {
    if (error instanceof InvalidInputError) return { path: error.path.join('/'), message: error.message }
    throw error
  }
  throw new Error('not refused')
}
