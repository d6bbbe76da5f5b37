import type { Deps } from '../deps.ts'
import { authenticateViewer } from './commands.ts'
import type { Policy } from './policy.ts'
import { followPolicies } from './policy-changes-commands.ts'
import { parseSasToken, verifySasSignature } from './sas.ts'
import { policyViewer, type Viewer } from './viewer.ts'

/** Finds out who sends a shared access signature, and whether its policy still accepts it. */
export type PolicyTokens = {
  /** @throws UnauthorizedError */
  viewer(authorization: string): Promise<Viewer>
  /**
   * The same viewer with the rights that its policy has now. Undefined when the policy is gone, or no longer has the key
   * that signed the token. Other viewers stay as they are.
   */
  refresh(viewer: Viewer): Viewer | undefined
  /** Calls `changed` when other policies or keys are in force. Returns what ends that. */
  listen(changed: () => void): () => void
  close(): void
}

/** What was sent, and the policies that were in force before it was checked. */
type Sent = { readonly authorization: string; readonly policies: readonly Policy[] | undefined }

export function openPolicyTokens(
  deps: Pick<Deps, 'db' | 'clock' | 'events' | 'log'>,
  hostNames: readonly string[],
): PolicyTokens {
  const sentBy = new WeakMap<Viewer, Sent>()
  const listeners = new Set<() => void>()
  let policies: readonly Policy[] | undefined
  const close = followPolicies(deps, (now) => {
    policies = now
    for (const changed of listeners) changed()
  })
  return {
    async viewer(authorization) {
      // The check reads the policies later than this.
      const before = policies
      const viewer = await authenticateViewer(deps, authorization, hostNames)
      sentBy.set(viewer, { authorization, policies: before })
      return viewer
    },
    refresh(viewer) {
      const sent = sentBy.get(viewer)
      if (sent === undefined || sent.policies === policies) return viewer
      const token = parseSasToken(sent.authorization)
      const policy = policies?.find(({ name }) => name === token?.policyName)
      if (token === undefined || policy === undefined) return undefined
      if (!verifySasSignature(token, [policy.primaryKey, policy.secondaryKey])) return undefined
      const now = policyViewer(policy, token.expiry)
      const same = now.authority === viewer.authority ? viewer : now
      sentBy.set(same, { ...sent, policies })
      return same
    },
    listen(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
    close,
  }
}
