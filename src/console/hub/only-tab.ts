/** Milliseconds after which another tab certainly uses the session: a page that is reloaded releases it at once. */
const patience = 3_000

const held = new Set<string>()

/**
 * Whether this is the only tab with the session. A duplicated tab has the refresh token of the first, and providers end
 * a sign-in whose refresh token is used twice. The tab that asks first is the one, until it is closed.
 */
export async function isOnlyTab(session: string): Promise<boolean> {
  if (held.has(session)) return true
  return await new Promise((resolve) => {
    const hold = (): Promise<never> => {
      held.add(session)
      resolve(true)
      return new Promise(() => {})
    }
    const signal = AbortSignal.timeout(patience)
    navigator.locks.request(`twincast-${session}`, { signal }, hold).catch(() => resolve(false))
  })
}
