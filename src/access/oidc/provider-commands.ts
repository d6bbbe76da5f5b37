import type { Clock } from '../../clock.ts'
import { isProtectedAddress } from '../../issuer-address.ts'
import type { Log } from '../../log/log.ts'
import { fetchDiscovery, memberOf } from './discovery-commands.ts'
import { keepAnswer } from './kept-answer-commands.ts'

/** What a client needs to know of an OpenID provider for a sign-in, by the names of its discovery document. */
export type Provider = {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  /** Undefined for a provider that cannot be asked to sign somebody out. */
  readonly end_session_endpoint?: string
  /** Whether it names itself when it leads the browser back (RFC 9207). */
  readonly authorization_response_iss_parameter_supported: boolean
  readonly id_token_signing_alg_values_supported: readonly string[]
}

/** How persons sign in to the console. */
export type SignIn = {
  readonly issuer: string
  /** The console as the provider knows it. */
  readonly clientId: string
  /** What tokens must be for. */
  readonly audiences: readonly string[]
  /** Undefined while the provider has never been reachable. */
  readonly provider: Provider | undefined
}

/**
 * Finds the provider by the discovery document of the first issuer, which is kept while the provider is unreachable.
 * Undefined where no client is configured.
 */
export function openSignIn(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  options: {
    readonly issuers: readonly string[]
    readonly audiences: readonly string[]
    readonly clientId: string | undefined
  },
): { readonly settings: () => Promise<SignIn>; readonly close: () => void } | undefined {
  const { issuers, audiences, clientId } = options
  const [issuer] = issuers
  if (clientId === undefined || issuer === undefined) return undefined
  const { current, close } = keepAnswer<Provider>(
    { clock },
    {
      read: async (closed) => providerIn(issuer, await fetchDiscovery(clock, issuer, closed)),
      onError: (error) => log.warn({ err: error, issuer }, 'provider of sign-ins could not be asked'),
    },
  )
  // Asked now, so that the log names a provider that is not reachable before somebody signs in.
  void current()
  return { close, settings: async () => ({ issuer, clientId, audiences, provider: await current() }) }
}

function providerIn(issuer: string, document: unknown): Provider {
  const address = (name: string): string => {
    const value = memberOf(document, name)
    if (typeof value === 'string' && isProtectedAddress(value)) return value
    throw new Error(`The discovery document has no ${name} that begins with https:, or with http: on this machine.`)
  }
  const signing = memberOf(document, 'id_token_signing_alg_values_supported')
  return {
    issuer,
    authorization_endpoint: address('authorization_endpoint'),
    token_endpoint: address('token_endpoint'),
    ...(memberOf(document, 'end_session_endpoint') !== undefined && {
      end_session_endpoint: address('end_session_endpoint'),
    }),
    authorization_response_iss_parameter_supported:
      memberOf(document, 'authorization_response_iss_parameter_supported') === true,
    id_token_signing_alg_values_supported: Array.isArray(signing)
      ? signing.filter((name) => typeof name === 'string')
      : ['RS256'],
  }
}
