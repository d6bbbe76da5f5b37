import { HubRefusedError } from './hub-errors.ts'

type Result = {
  readonly __typename: string
  readonly code?: string
  readonly message?: string
  readonly path?: readonly string[]
}

/**
 * The payload in the result of a mutation. Throws an expected error of the hub as a HubRefusedError. Documents select
 * `__typename`, `code` and `message` of errors, and `path` where it helps.
 */
export function payloadOf<R extends Result, Name extends R['__typename']>(
  result: R | null | undefined,
  name: Name,
): Extract<R, { readonly __typename: Name }> {
  if (result && isNamed(result, name)) return result
  const message = result?.message ?? 'The response of the hub has no result.'
  throw new HubRefusedError(result?.code ?? 'UNKNOWN', message, result?.path)
}

const isNamed = <R extends Result, Name extends R['__typename']>(
  result: R,
  name: Name,
): result is Extract<R, { readonly __typename: Name }> => result.__typename === name
