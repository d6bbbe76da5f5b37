import type { CombinedError } from 'urql'

/** The code and the message of a failed request, with advice where the console has any. */
export function describeError(error: CombinedError): { readonly code: string; readonly message: string } {
  const [first] = error.graphQLErrors
  if (first === undefined) {
    return {
      code: 'NETWORK',
      message: 'The hub did not answer. Check that it is running and reachable, then try again.',
    }
  }
  const code = String(first.extensions?.code ?? 'UNKNOWN')
  const isPolicyDenial = code === 'FORBIDDEN' && first.message.startsWith('The policy')
  const advice = isPolicyDenial ? ' Sign in with a token from a policy that grants this right.' : ''
  const reference = first.extensions?.reference
  const where = reference === undefined ? '' : ` See ${String(reference)} in the hub’s log for the cause.`
  return { code, message: `${first.message}${advice}${where}` }
}
