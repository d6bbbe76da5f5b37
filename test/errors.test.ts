import { expect, test } from 'vitest'
import { AlreadyExistsError, NotFoundError } from '../src/errors.ts'

test.each([NotFoundError, AlreadyExistsError])('%o repeats no more of a name than any may have', (Failure) => {
  expect(new Failure('device', 'x'.repeat(200_000)).message.length).toBeLessThan(200)
  expect(new Failure('device', 'x'.repeat(128)).message).toContain(`"${'x'.repeat(128)}"`)
})
