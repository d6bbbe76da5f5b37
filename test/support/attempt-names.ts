import { beforeEach } from 'vitest'

/**
 * Returns a function for names that are others in each attempt at a test, such as `night-1`. What the first attempt has changed is
 * not what the second expects (`runner.ts` repeats tests).
 */
export function namesPerAttempt(): (name: string) => string {
  let attempt = 0
  beforeEach(() => {
    attempt++
  })
  return (name) => `${name}-${attempt}`
}
