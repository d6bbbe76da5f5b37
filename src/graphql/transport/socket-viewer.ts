import type { Viewer } from '../../access/viewer.ts'
import type { Clock } from '../../clock.ts'
import { temporaryMessage } from '../../database/outage.ts'
import { IssuerUnavailableError, UnauthorizedError } from '../../errors.ts'
import { whenExpired } from '../live/credential-expiry.ts'

/** The answer to a renewal: when the credential that is now in force expires, and why the new one is not in force. */
export type Renewal = {
  /** Null for a credential that does not expire. */
  readonly expiresAt: string | null
  readonly error?: {
    readonly code: string
    readonly message: string
    readonly missing?: UnauthorizedError['missing']
  }
}

/** The viewer of a WebSocket, whose credential can be renewed. */
export type SocketViewer = {
  /** The viewer by the credential that is in force. */
  current(): Viewer
  /**
   * Replaces the credential by a new one of the same person or policy, which `authenticate` checks. Renewals take place
   * one after the other, at most one per second.
   */
  renew(authenticate: () => Promise<Viewer>): Promise<Renewal>
  /** Replaces the viewer by the same one with other roles. */
  replace(viewer: Viewer): void
}

/** Milliseconds between the beginnings of two renewals. */
export const renewalPause = 1_000
/** Renewals that may wait. */
export const mostRenewals = 10

/**
 * Calls `expired` when the credential in force has expired, and `changed` after a renewal or a change of roles, with
 * the viewer that is in force from then on.
 */
export function createSocketViewer(
  { clock }: { readonly clock: Clock },
  first: Viewer,
  { ended, expired, changed }: { readonly ended: AbortSignal; expired(): void; changed(now: Viewer): void },
): SocketViewer {
  let current = first
  /** Ends the watch of the credential in force, if that expires. */
  let replaced: AbortController | undefined
  let waiting = 0
  let turn: Promise<unknown> = Promise.resolve()
  const watch = (): void => {
    if (current.expiry === undefined) return
    replaced = new AbortController()
    void whenExpired(clock, current, AbortSignal.any([ended, replaced.signal]), expired)
  }
  const answer = (error?: Renewal['error']): Renewal => {
    const { expiry } = current
    const expiresAt = expiry === undefined ? null : new Date(Math.floor(expiry * 1_000)).toISOString()
    return { expiresAt, ...(error && { error }) }
  }
  const replace = (viewer: Viewer): void => {
    replaced?.abort()
    replaced = undefined
    current = viewer
    watch()
    changed(viewer)
  }
  const renewNow = async (authenticate: () => Promise<Viewer>): Promise<Renewal> => {
    let renewed: Viewer
    try {
      renewed = await authenticate()
    } catch (error) {
      if (error instanceof UnauthorizedError) {
        const { code, message, missing } = error
        return answer({ code, message, ...(missing && { missing }) })
      }
      const message = error instanceof IssuerUnavailableError ? error.message : temporaryMessage(error)
      if (message === undefined) throw error
      return answer({ code: 'SERVICE_UNAVAILABLE', message })
    }
    if (renewed.id !== current.id) {
      const message = 'The new token belongs to another person or policy. Open another connection for it.'
      return answer({ code: 'FORBIDDEN', message })
    }
    replace(renewed)
    return answer()
  }
  watch()
  return {
    replace,
    current: () => current,
    async renew(authenticate) {
      if (waiting >= mostRenewals) {
        return answer({ code: 'LIMIT_EXCEEDED', message: `At most ${mostRenewals} renewals may wait. Renew later.` })
      }
      waiting++
      const renewal = turn.then(() => renewNow(authenticate))
      turn = renewal.catch(() => {}).then(() => clock.sleep(renewalPause, ended))
      try {
        return await renewal
      } finally {
        waiting--
      }
    },
  }
}
