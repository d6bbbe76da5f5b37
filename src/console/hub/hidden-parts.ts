import { CombinedError } from 'urql'

/** An error of a GraphQL answer. */
type AnswerError = { readonly extensions?: Readonly<Record<string, unknown>> }

/**
 * Whether the error says that a field is hidden because of the viewer's scope. Such a field is null, which the page
 * shows; the rest of the data is complete.
 */
export function isHiddenPart({ extensions }: AnswerError): boolean {
  const missing = extensions?.missing
  return typeof missing === 'object' && missing !== null && 'scope' in missing
}

/** The error of an answer that has data, without those that say that a field is hidden. */
export function withoutHiddenParts(error: CombinedError): CombinedError | undefined {
  if (error.networkError) return error
  const graphQLErrors = error.graphQLErrors.filter((one) => !isHiddenPart(one))
  if (graphQLErrors.length === error.graphQLErrors.length) return error
  return graphQLErrors.length === 0 ? undefined : new CombinedError({ graphQLErrors, response: error.response })
}
