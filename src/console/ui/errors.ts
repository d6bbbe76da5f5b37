import type { CombinedError } from 'urql'

/** What to say of a failed request: a sentence that says what to do where the console knows it. */
export function describeError(error: CombinedError): { readonly code: string; readonly message: string } {
  const [first] = error.graphQLErrors
  if (first === undefined) {
    return {
      code: 'NETWORK',
      message: 'The hub did not answer. Look whether it runs and this machine reaches it, then try again.',
    }
  }
  const code = String(first.extensions?.code ?? 'UNKNOWN')
  const advice = code === 'FORBIDDEN' ? ' Sign in with a token of a policy that has this right.' : ''
  const reference = first.extensions?.reference
  const where = reference === undefined ? '' : ` The hub’s log has the cause under ${String(reference)}.`
  return { code, message: `${first.message}${advice}${where}` }
}
