import { SignedOutError, type Tokens } from './sign-in.ts'

// #region session
/** The present credential of a program. */
export type Session = {
  /** The header `Authorization`, with the next token if this one ends soon. Rejects when there is no valid one. */
  authorization(): Promise<string | undefined>
  /** When to get the next token, in milliseconds since 1970. */
  renewAt(): number
}

/** A session that renews its tokens, each of them once, however many requests wait for it. */
export function createSession(
  first: Tokens,
  renew: (tokens: Tokens) => Promise<Tokens>,
  onRenewed: (tokens: Tokens) => void = () => {},
): Session {
  let tokens = first
  let renewal: Promise<void> | undefined
  const next = async (): Promise<void> => {
    try {
      tokens = await renew(tokens)
      onRenewed(tokens)
    } finally {
      renewal = undefined
    }
  }
  return {
    async authorization() {
      if (Date.now() >= tokens.renewAt) {
        // A refresh token may be used once: two requests that each sent it would end the session.
        renewal ??= next()
        try {
          await renewal
        } catch (error) {
          // The provider may be unreachable. The token is good until it ends.
          if (error instanceof SignedOutError || Date.now() >= tokens.expiresAt) throw error
        }
      }
      return `Bearer ${tokens.accessToken}`
    },
    renewAt: () => tokens.renewAt,
  }
}
// #endregion

/** A session with one credential, such as a shared access signature; undefined where the hub requires none. */
export const fixedSession = (authorization: string | undefined): Session => ({
  authorization: () => Promise.resolve(authorization),
  renewAt: () => Number.POSITIVE_INFINITY,
})
