import { InvalidInputError } from '../errors.ts'

const maxLength = 1024

/** The reason for a request, as given; null when left out. InvalidInputError when it cannot be stored. */
export function checkReason(reason: string | null | undefined): string | null {
  if (reason?.includes('\0')) throw new InvalidInputError(['reason'], 'A reason must not contain U+0000.')
  if ((reason?.length ?? 0) > maxLength) {
    throw new InvalidInputError(['reason'], `A reason must have at most ${maxLength} characters.`)
  }
  return reason ?? null
}
