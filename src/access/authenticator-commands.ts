import type { Deps } from '../deps.ts'
import { UnauthorizedError } from '../errors.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { BearerError } from './oidc/bearer-fault.ts'
import type { People } from './people-commands.ts'
import { openPolicyTokens } from './policy-tokens-commands.ts'
import type { Viewer } from './viewer.ts'

/** Where a request comes from. One that a proxy has forwarded may come from anywhere. */
export type RequestOrigin = { readonly forwarded: boolean; readonly address: string | undefined }

/** Finds out who sends a request to GraphQL. */
export type Authenticator = {
  /**
   * The viewer with the credential in an `Authorization` header, or in its equivalent of a WebSocket. Undefined when no
   * credential was sent.
   * @throws UnauthorizedError, IssuerUnavailableError
   */
  authenticate(authorization: string | undefined, from: RequestOrigin): Promise<Viewer>
  /**
   * The viewer with the rights that it has now, by its roles or by its policy. Undefined when its policy or the key that
   * signed its token has been removed.
   */
  refresh(viewer: Viewer): Viewer | undefined
  /** Calls `changed` when other roles, policies or keys are in force. Returns what ends that. */
  onRightsChanged(changed: () => void): () => void
  /** The refusal of a request without a credential that needs one. */
  readonly tokenNeeded: UnauthorizedError
  /** From then on, changes are not noticed. */
  close(): void
}

/**
 * Accepts shared access signatures; with `people` also tokens of persons, as `Bearer`; and with `anonymous` no
 * credential at all from this machine.
 */
export function createAuthenticator(
  deps: Pick<Deps, 'db' | 'clock' | 'events' | 'log'>,
  options: {
    readonly hostNames: readonly string[]
    readonly anonymous?: Viewer | undefined
    readonly people?: People | undefined
    readonly metrics?: Metrics | undefined
  },
): Authenticator {
  const { hostNames, anonymous, people, metrics } = options
  if (people !== undefined && anonymous !== undefined) {
    throw new Error('Where persons sign in, nobody has rights without a credential.')
  }
  const policyTokens = openPolicyTokens(deps, hostNames)
  const sharedAccess = '"Authorization: SharedAccessSignature sr=…&sig=…&se=…&skn=…"'
  const tokenNeeded =
    people === undefined
      ? new UnauthorizedError(`A token is required: ${sharedAccess}.`, 'no token was sent')
      : new UnauthorizedError(
          `A token is required: "Authorization: Bearer …" with the access token of a person, or ${sharedAccess}.`,
          'no token was sent',
          { challenge: 'Bearer, SharedAccessSignature' },
        )
  const refused = (reason: string): void => metrics?.count('twincast_sign_ins_refused_total', { reason })
  const judge = async (authorization: string | undefined, { forwarded }: RequestOrigin): Promise<Viewer> => {
    if (authorization === undefined) {
      if (anonymous === undefined) throw tokenNeeded
      if (!forwarded) return anonymous
      throw new UnauthorizedError(
        `${tokenNeeded.message} This request came through a proxy. Only requests from this machine may omit the token.`,
        'no token was sent, and a proxy passed the request on',
      )
    }
    const token = bearerIn(authorization)
    if (token === undefined) return await policyTokens.viewer(authorization)
    if (people !== undefined) return await people.viewer(token)
    throw new UnauthorizedError(
      'This hub accepts no tokens of persons, because OIDC_ISSUER is not set. Send a shared access signature.',
      'a token of a person was sent, and no issuer is configured',
      { code: 'TOKEN_INVALID' },
    )
  }
  return {
    tokenNeeded,
    refresh: (viewer) => policyTokens.refresh(people?.refresh(viewer) ?? viewer),
    onRightsChanged(changed) {
      const stops = [policyTokens.listen(changed), people?.listen(changed)]
      return () => {
        for (const stop of stops) stop?.()
      }
    },
    close: policyTokens.close,
    async authenticate(authorization, from) {
      try {
        return await judge(authorization, from)
      } catch (error) {
        if (error instanceof BearerError) refused(error.fault)
        else if (error instanceof UnauthorizedError) {
          refused(authorization === undefined ? 'no_token' : 'shared_access_signature')
        }
        throw error
      }
    },
  }
}

/** The token of a person; undefined for another scheme. The name of a scheme is case-insensitive (RFC 9110, 11.1). */
export function bearerIn(authorization: string): string | undefined {
  return /^bearer(?: +(.*))?$/is.exec(authorization) === null ? undefined : authorization.slice(6).trim()
}
