import type { Deps } from './deps.ts'
import { findPresenceSince } from './device/presence-store.ts'
import { findJobIdsSince } from './job/store/jobs.ts'

/** Devices per page, and per event. */
const batch = 1_000
/** Jobs at a time, each of them an event. */
const jobsPerEvent = 250
/** Milliseconds by which the clocks of instances may differ, and a row may be committed after its time. */
const tolerance = 60_000

/**
 * Events of other instances may have been lost since then: publishes those that the rows show, and `missed` for the
 * rest.
 */
export async function recoverMissed(deps: Pick<Deps, 'clock' | 'db' | 'events'>, since: Date): Promise<void> {
  const time = new Date(since.getTime() - tolerance)
  deps.events.lookAgain()
  const jobIds = await findJobIdsSince(deps.db, time)
  for (let from = 0; from < jobIds.length; from += jobsPerEvent) {
    deps.events.receive('job', jobIds.slice(from, from + jobsPerEvent))
    await deps.clock.sleep(0) // yields to other work between two events
  }
  for (let after = ''; ; ) {
    const deviceIds = await findPresenceSince(deps.db, time, { after, limit: batch })
    if (deviceIds.length > 0) deps.events.receive('presence', deviceIds)
    if (deviceIds.length < batch) return
    after = deviceIds.at(-1) ?? ''
  }
}
