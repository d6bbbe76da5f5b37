import { HubRefusedError } from './hub-errors.ts'

type Result = { readonly __typename: string; readonly code?: string; readonly message?: string }

/**
 * The payload in the result of a mutation. Throws an expected error of the hub as a HubRefusedError. Documents select
 * `__typename`, and `code` and `message` of errors.
 */
export function payloadOf<R extends Result, Name extends R['__typename']>(
  result: R | null | undefined,
  name: Name,
): Extract<R, { readonly __typename: Name }> {
  if (result && isNamed(result, name)) return result
  throw new HubRefusedError(result?.code ?? 'UNKNOWN', result?.message ?? 'The response of the hub has no result.')
}

const isNamed = <R extends Result, Name extends R['__typename']>(
  result: R,
  name: Name,
): result is Extract<R, { readonly __typename: Name }> => result.__typename === name
