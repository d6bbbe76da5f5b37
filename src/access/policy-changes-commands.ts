import type { Deps } from '../deps.ts'
import type { Policy } from './policy.ts'
import { printPolicies } from './policy-file.ts'
import { findPolicies } from './store.ts'

/** Milliseconds until a failed read is repeated. */
const retryInterval = 1_000

/**
 * Calls `changed` with the policies that are in force, first with those of now, then whenever this instance or another
 * one has changed them, until the returned function is called. Changes that may have been missed are found, too.
 */
export function followPolicies(
  { db, clock, events, log }: Pick<Deps, 'db' | 'clock' | 'events' | 'log'>,
  changed: (policies: readonly Policy[]) => void,
): () => void {
  const closed = new AbortController()
  let known: string | undefined
  const read = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      try {
        const policies = await findPolicies(db)
        const text = printPolicies(policies)
        if (text === known || closed.signal.aborted) return
        known = text
        changed(policies)
        return
      } catch (error) {
        log.debug({ err: error }, 'policies could not be read from the database; retrying')
        await clock.sleep(retryInterval, closed.signal)
      }
    }
  }
  let reading = Promise.resolve()
  const look = (): void => {
    reading = reading.then(read)
  }
  const stopListening = [events.listen('policies')(look), events.listen('missed')(look)]
  look()
  return () => {
    closed.abort()
    for (const stop of stopListening) stop()
  }
}
