/**
 * Milliseconds to wait for a session that is in use: a page that is reloaded releases it at once, another tab does not.
 */
const patience = 3_000

const held = new Set<string>()

/**
 * Whether this is the only tab with the session. A duplicated tab has the refresh token of the first, and providers end
 * a sign-in whose refresh token is used twice. The tab that asks first is the one, until it is closed.
 */
export async function isOnlyTab(session: string): Promise<boolean> {
  if (held.has(session)) return true
  // A session that no tab uses is not waited for, so the limit cannot end before a busy page learns that it has it.
  return (
    (await hold(session, { ifAvailable: true })) || (await hold(session, { signal: AbortSignal.timeout(patience) }))
  )
}

/** Resolves with whether this tab holds the session from now on. */
function hold(session: string, options: LockOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const keep = async (lock: Lock | null): Promise<void> => {
      if (lock === null) return resolve(false)
      held.add(session)
      resolve(true)
      await new Promise(() => {})
    }
    navigator.locks.request(`twincast-${session}`, options, keep).catch(() => resolve(false))
  })
}
